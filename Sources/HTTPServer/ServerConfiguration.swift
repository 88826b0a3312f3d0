package import HTTPCore

/// Place where a server listens, and its limits.
package struct ServerConfiguration: Sendable {
  /// Address or name; the first address that it resolves to is listened on.
  package var host = "127.0.0.1"
  /// Port, 8080; 0 lets the system pick one.
  package var port = 8080
  /// Path of a Unix socket that is listened on in place of host and port.
  package var socketPath: String?
  /// Permissions to connect to that socket; by default this user's alone.
  package var socketMode: UInt32 = 0o600
  /// Listening socket that the process was started with, in place of all these.
  package var inherited: CInt?
  /// Certificate and key; nil where connections are not encrypted.
  package var identity: TLSIdentity?
  /// Handshakes of TLS at once, 256; for a further one another is ended, of the client that has most.
  package var handshakeLimit = 256
  /// Time for a handshake, 10 s.
  package var handshakeTimeout = Duration.seconds(10)
  /// Connections that the kernel may hold until they are accepted, 1024.
  package var backlog = 1024
  /// Event loops over which connections are spread, 1; each has a serial queue.
  package var ioQueueCount = 1
  /// Open connections, 10,000; for a further one the longest idle one is closed, else the one with
  /// the slowest head.
  package var connectionLimit = 10_000
  /// Time that a head may take, 1 s, before its connection is closed for a further one where none
  /// is idle.
  package var headPatience = Duration.seconds(1)
  /// Connections beyond `connectionLimit` where none is idle, 32, for essential requests alone;
  /// others get 503.
  package var reserveLimit = 32
  /// Time for the first request's head on a connection of the reserve, and for its client to take
  /// the answer, 1 s.
  package var reserveTimeout = Duration.seconds(1)
  /// Bytes that all clients together may have buffered here, 32 MiB: heads, requests sent ahead,
  /// unread answers. Whoever would exceed it gets 503, or is closed where an answer waits.
  package var bufferByteLimit = 32 << 20
  package var clients = ClientLimits()
  package var limits = ConnectionLimits()

  package init() {}

  /// Whether it listens on a Unix socket.
  package var isLocal: Bool { inherited.map(HTTPServer.isLocal) ?? (socketPath != nil) }

  /// Limits of a connection of the reserve.
  var reserveLimits: ConnectionLimits {
    var limits = limits
    limits.headerTimeout = min(limits.headerTimeout, reserveTimeout)
    limits.writeTimeout = min(limits.writeTimeout, reserveTimeout)
    limits.lingerTimeout = min(limits.lingerTimeout, reserveTimeout)
    return limits
  }
}
