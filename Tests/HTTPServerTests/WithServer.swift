import HTTPCore
import HTTPServer

/// A server with an `EchoHandler` on a port of its own.
struct TestServer {
  let server: HTTPServer
  let handler: EchoHandler
  let transport: Transport

  func connect(receiveBufferByteCount: CInt? = nil) throws -> Client {
    try Client(
      port: server.port, over: transport, receiveBufferByteCount: receiveBufferByteCount)
  }
}

/// Runs `body` against a server, which is stopped at the end whatever is still going on.
func withServer(
  over transport: Transport = .plain,
  _ configure: (inout ServerConfiguration) -> Void = { _ in },
  _ body: (TestServer) throws -> Void
) throws {
  var configuration = ServerConfiguration()
  configuration.port = 0
  configuration.identity = try transport.identity()
  configure(&configuration)
  let handler = EchoHandler()
  let server = try HTTPServer(configuration: configuration, handler: handler)
  server.start()
  defer { server.drain(within: .zero) }
  try body(TestServer(server: server, handler: handler, transport: transport))
}

/// A request with these header lines, each ending in CR LF.
func request(
  _ method: String = "GET", _ target: String = "/echo", _ lines: String = "", body: String = ""
) -> String {
  let length = body.isEmpty ? "" : "Content-Length: \(body.utf8.count)\r\n"
  return "\(method) \(target) HTTP/1.1\r\nHost: a\r\n\(length)\(lines)\r\n\(body)"
}
