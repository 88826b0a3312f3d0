/// How long a connection may take for each thing, and how often it may be used.
package struct ConnectionLimits: Sendable, Hashable {
  package var parser = ParserLimits()
  /// For a whole request head, from its first byte; beyond it 408.
  package var headerTimeout = Duration.seconds(10)
  /// For a whole request, from its first byte; beyond it 408. A streamed body needs to make progress alone.
  package var requestTimeout = Duration.seconds(30)
  /// For a body to make `bodyProgressByteCount` more progress; beyond it 408.
  package var bodyTimeout = Duration.seconds(20)
  /// A body that brings less than this per `bodyTimeout` is given up.
  package var bodyProgressByteCount = 4096
  /// Between requests; then the connection closes without a word.
  package var idleTimeout = Duration.seconds(75)
  /// For the client to take any bytes of an answer.
  package var writeTimeout = Duration.seconds(30)
  /// For the rest of a head that has begun, once the server drains.
  package var drainHeaderTimeout = Duration.seconds(1)
  /// For the client to notice that the connection ends, while what it still sends is thrown away.
  package var lingerTimeout = Duration.seconds(2)
  /// Requests on one connection; the last answer says `Connection: close`.
  package var requestCountLimit = 100_000
  /// Bytes of following requests read ahead while one is being answered.
  package var pipelineByteLimit = 64 * 1024
  /// Requests of one connection handed out before other ready connections have their turn.
  package var turnRequestLimit = 2
  /// Lines between chunks of one connection read before other ready connections have their turn.
  package var turnLineLimit = 512

  package init() {}
}
