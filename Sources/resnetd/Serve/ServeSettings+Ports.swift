import HTTPServer

/// Ports of a server's listeners.
extension ServeSettings {
  /// Throws if two listeners share a port, which would be blamed on another program.
  func checkPorts() throws(UsageError) {
    var listeners: [(option: String, host: String, port: Int)] = []
    if server.socketPath == nil { listeners.append(("--port", server.host, server.port)) }
    if let metricsPort { listeners.append(("--metrics-port", metricsHost, metricsPort)) }
    if admin.isOn == .on, admin.socketPath == nil {
      listeners.append(("--admin-port", admin.host, admin.port))
    }
    for (index, one) in listeners.enumerated() where one.port != 0 {
      for other in listeners[(index + 1)...]
      where other.port == one.port && HostName(other.host).overlaps(HostName(one.host)) {
        throw UsageError(
          "\(one.option) and \(other.option) are both \(one.port): give one of them another port")
      }
    }
  }
}

extension HostName {
  /// Returns whether a listener on this host keeps another from the same port on that one.
  fileprivate func overlaps(_ other: HostName) -> Bool {
    // By the system's default, all addresses of IPv6 include those of IPv4.
    address == other.address || isEverywhere || other.isEverywhere
  }

  private var isEverywhere: Bool { reachable != self }
}
