import HTTPServer

/// Servers of this program, and their addresses for an operator.
enum Listening {
  /// - Parameter portOption: Option that chooses another port.
  static func server(
    _ configuration: ServerConfiguration, _ handler: any RequestHandler, portOption: String
  ) throws(Failure) -> HTTPServer {
    do throws(ServerError) {
      return try HTTPServer(configuration: configuration, handler: handler)
    } catch {
      guard case .addressInUse = error else { throw Failure(error.description) }
      throw Failure("\(error); choose another with \(portOption)")
    }
  }

  /// Address of the listener for requests.
  static func url(_ settings: ServeSettings, _ port: Int) -> String {
    guard port != 0 else {
      return "unix:\(settings.server.socketPath ?? "a socket of the service manager")"
    }
    return url(settings.tls.scheme, settings.server.host, port)
  }

  static func url(_ scheme: String, _ host: String, _ port: Int) -> String {
    "\(scheme)://\(HostName(host)):\(port)"
  }
}
