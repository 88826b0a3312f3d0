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
  /// Open connections; for a further one the longest idle one is closed, else the one with the slowest head.
  package var connectionLimit = 10_000
  /// How long a head may arrive before its connection is closed for a further one where none is idle.
  package var headPatience = Duration.seconds(1)
  /// Connections beyond `connectionLimit` where none is idle, for essential requests alone; others get 503.
  package var reserveLimit = 32
  /// For the first request's head on a connection of the reserve, and for its client to take its answer.
  package var reserveTimeout = Duration.seconds(1)
  /// Bytes that all clients together may have buffered here: heads, what is sent ahead, answers that are not read. Whoever
  /// would exceed it gets 503, or is closed where an answer waits.
  package var bufferByteLimit = 32 << 20
  package var clients = ClientLimits()
  package var limits = ConnectionLimits()

  package init() {}

  /// Limits of a connection of the reserve.
  var reserveLimits: ConnectionLimits {
    var limits = limits
    limits.headerTimeout = min(limits.headerTimeout, reserveTimeout)
    limits.writeTimeout = min(limits.writeTimeout, reserveTimeout)
    limits.lingerTimeout = min(limits.lingerTimeout, reserveTimeout)
    return limits
  }
}
