import Files
import HTTPCore
import HTTPServer
import RemoteModels
import Synchronization

/// A bucket on the loopback, called `bucket`, that lists its objects in pages and remembers its
/// requests.
final class BucketHost: RequestHandler {
  private struct State {
    var objects: [String: [UInt8]] = [:]
    var pageCount = 1000
    /// Answers to the next requests, whatever they are.
    var answers: [Response] = []
    var requests: [Request] = []
  }

  static let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
  private static let bodyByteLimit = 1 << 20
  private let state = Mutex(State())

  /// Returns the requests since the last call.
  func requests() -> [Request] {
    state.withLock { state in
      defer { state.requests = [] }
      return state.requests
    }
  }

  func put(_ keys: [String]) {
    state.withLock { for key in keys { $0.objects[key] = Array(key.utf8) } }
  }

  func page(by count: Int) { state.withLock { $0.pageCount = count } }

  func answer(_ responses: Response...) { state.withLock { $0.answers += responses } }

  func receive(_ head: RequestHead, from address: String) -> Reception {
    .accept(bodyByteLimit: Self.bodyByteLimit, then: Handling(handle))
  }

  func answer(_ failure: ParseFailure, fields: HeaderFields?) -> Response { failure.response }

  private func handle(_ request: Request, _ exchange: Exchange) {
    let response: Response = state.withLock { state in
      state.requests.append(request)
      if !state.answers.isEmpty { return state.answers.removeFirst() }
      let key = String(request.head.target.path.dropFirst("/bucket/".count))
      if key.isEmpty { return Self.listing(request.head.target, of: state) }
      guard request.head.method == "PUT" else {
        return state.objects[key].map { Response(status: 200, body: $0) }
          ?? refusal(404, "NoSuchKey", "The specified key does not exist.")
      }
      if request.head.fields["If-None-Match"] == "*", state.objects[key] != nil {
        return refusal(412, "PreconditionFailed", "At least one precondition did not hold")
      }
      state.objects[key] = request.body
      return Response(status: 200)
    }
    exchange.respond(response)
  }

  /// Returns a page whose keys are encoded as forms are: a blank is a plus.
  private static func listing(_ target: RequestTarget, of state: State) -> Response {
    func field(_ name: String) -> String? { target.query.first { $0.name == name }?.value }
    let prefix = Array((field("prefix") ?? "").utf8)
    let keys = state.objects.keys.filter { $0.utf8.starts(with: prefix) }
      .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    let start = field("continuation-token").flatMap { Int($0.dropFirst(2)) } ?? 0
    let end = min(start + state.pageCount, keys.count)
    let contents = keys[start..<end].map { key in
      "<Contents><Key>\(encoded(key))</Key><ETag>&quot;x&quot;</ETag>"
        + "<Size>\(state.objects[key]?.count ?? 0)</Size></Contents>"
    }
    let isLast = end == keys.count
    return Response(
      status: 200,
      body: Array(
        ("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
          + "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
          + contents.joined() + "<EncodingType>url</EncodingType>"
          + "<IsTruncated>\(!isLast)</IsTruncated>"
          + (isLast ? "" : "<NextContinuationToken>=+\(end)</NextContinuationToken>")
          + "</ListBucketResult>").utf8))
  }

  private static func encoded(_ key: String) -> String {
    key.utf8.map { byte in
      let character = Character(UnicodeScalar(byte))
      if byte < 0x80, character.isLetter || character.isNumber || "/._-".contains(character) {
        return String(character)
      }
      return character == " " ? "+" : "%" + HexDigits.text([byte]).uppercased()
    }.joined()
  }

  func finished(_ record: ExchangeRecord) {}
  func written(_ head: RequestHead?, after duration: Duration) {}
}

/// Returns what S3 answers instead of what was asked for.
func refusal(
  _ status: Int, _ code: String, _ message: String, more: String = "",
  fields: HeaderFields = HeaderFields()
) -> Response {
  let document = "<Error><Code>\(code)</Code><Message>\(message)</Message>\(more)</Error>"
  return Response(status: status, fields: fields, body: Array(document.utf8))
}

/// Runs a host on a free port while `body` runs with a connection to a folder of its bucket.
func withBucket(
  _ folder: String = "", isSigned: Bool = true, retries: Int = 2,
  while isWanted: @escaping @Sendable () -> Bool = { true },
  _ body: (BucketHost, BucketConnection) throws -> Void
) throws {
  var configuration = ServerConfiguration()
  configuration.port = 0
  let host = BucketHost()
  let server = try HTTPServer(configuration: configuration, handler: host)
  server.start()
  defer { server.drain(within: .zero) }
  var environment = [
    "AWS_ENDPOINT_URL": "http://127.0.0.1:\(server.port)", "AWS_REGION": "eu-central-1",
  ]
  if isSigned {
    environment["AWS_ACCESS_KEY_ID"] = "AKIDEXAMPLE"
    environment["AWS_SECRET_ACCESS_KEY"] = BucketHost.secret
  }
  var limits = RemoteLimits()
  (limits.retryLimit, limits.retryDelay) = (retries, .zero)
  let place = try ObjectFolder("s3://bucket/\(folder)", environment: environment)
  try body(host, BucketConnection(place, limits: limits, while: isWanted))
}
