import HTTPCore

/// Room that a connection takes and makes: its place among others, its share of the buffers.
extension ServerConnection {
  /// Makes room for another connection; false where a request has come meanwhile.
  func closeIfIdle() -> Bool {
    readable()
    if !isClosed, machine.isIdle { perform(machine.closeIdle()) }
    return isClosed
  }

  /// Makes room for another connection; false where the head is complete meanwhile, or another.
  func closeIfSlow() -> Bool {
    let since = headSince
    readable()
    if !isClosed, since != nil, machine.headReceivedSince == since { close() }
    return isClosed
  }

  /// Makes room for another connection of the reserve; false where its first request has come.
  func closeIfWaiting() -> Bool {
    readable()
    if !isClosed, machine.awaitsFirstRequest { close() }
    return isClosed
  }

  var isIdle: Bool { machine.isIdle }

  var awaitsFirstRequest: Bool { machine.awaitsFirstRequest }

  /// Counts bytes that this client has buffered; whoever brings the server over its limit must go.
  func count() {
    // The part of an answer that has been sent stays in memory as long as the rest.
    let byteCount = machine.heldByteCount + (unwritten.isEmpty ? 0 : unwritten.endIndex)
    let change = byteCount - countedByteCount
    guard change != 0 else { return }
    countedByteCount = byteCount
    guard !loop.server.buffers.add(change), change > 0 else { return }
    if !unwritten.isEmpty {
      close()
    } else {
      perform(machine.refuseReading(Self.overloaded, context(.now)))
    }
  }

  private static let overloaded = ParseFailure(
    status: 503, kind: .overloaded,
    detail: "unfinished requests take all memory set aside for them",
    retryAfterSeconds: 1)
}
