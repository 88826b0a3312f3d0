package import HTTPCore

/// Where a server listens and what it allows.
package struct ServerConfiguration: Sendable {
  /// An address or a name; the first address it resolves to is listened on.
  package var host = "127.0.0.1"
  /// 0 lets the system pick one.
  package var port = 8080
  /// Of a Unix socket that is listened on in place of host and port, for this user alone.
  package var socketPath: String?
  /// Connections that the kernel may hold until they are accepted.
  package var backlog = 1024
  /// Serial queues over which connections are spread.
  package var ioQueueCount = 1
  /// Open connections; further ones wait in the backlog.
  package var connectionLimit = 10_000
  package var limits = ConnectionLimits()

  package init() {}
}
