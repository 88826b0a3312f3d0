/// Limits of the time that a connection takes for each thing, and of its use.
package struct ConnectionLimits: Sendable, Hashable {
  package var parser = ParserLimits()
  /// Time for a whole request head, from its first byte, 10 s; beyond it 408.
  package var headerTimeout = Duration.seconds(10)
  /// Time for a whole request, from its first byte, 30 s; beyond it 408. A streamed body need only
  /// make progress.
  package var requestTimeout = Duration.seconds(30)
  /// Time for a body to bring `bodyProgressByteCount` more bytes, 20 s; beyond it 408.
  package var bodyTimeout = Duration.seconds(20)
  /// Bytes that a body must bring in each `bodyTimeout`, 4 KiB.
  package var bodyProgressByteCount = 4096
  /// Time between requests, 75 s; then the connection closes without a word.
  package var idleTimeout = Duration.seconds(75)
  /// Time for the client to take any bytes of an answer, 30 s; then the connection closes.
  package var writeTimeout = Duration.seconds(30)
  /// Time for the rest of a head that has begun, once the server drains, 1 s; and for the first
  /// request of a connection to begin, from its opening.
  package var drainHeaderTimeout = Duration.seconds(1)
  /// Time for the client to notice that the connection ends, 2 s; what it still sends is thrown
  /// away.
  package var lingerTimeout = Duration.seconds(2)
  /// Requests on one connection, 100,000; the last answer says `Connection: close`.
  package var requestCountLimit = 100_000
  /// Bytes of following requests that are read ahead while one is being answered, 64 KiB.
  package var pipelineByteLimit = 64 * 1024
  /// Requests of one connection handed out before other ready connections have their turn, 2.
  package var turnRequestLimit = 2
  /// Lines between chunks of one connection read before other ready connections have their turn,
  /// 512.
  package var turnLineLimit = 512

  package init() {}
}
