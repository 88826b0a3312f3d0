import Synchronization

/// Whose turn it is to change what is live: one at a time, and the newest order of an administrator goes before a proof
/// and before uploads that are still arriving.
///
/// A forward pass cannot be interrupted, so what computes for a cancelled turn may go on for a while beside the next
/// one; its result is thrown away.
package final class SwapTurns: Sendable {
  /// Cancelled candidates that still compute beside which another upload is proved; orders that go before others are
  /// not held back.
  static let remnantLimit = 2

  private struct State {
    var current: SwapTurn?
    var arriving: [ArrivingUpload] = []
    var remnantCount = 0
    var isClosed = false
  }

  private let state = Mutex(State())

  package init() {}

  /// What is in progress.
  package var current: SwapTurn? { state.withLock(\.current) }

  /// Uploads on their way, in the order in which they began.
  package var arriving: [ArrivingUpload.Status] {
    state.withLock { $0.arriving.map(\.status) }
  }

  /// An upload begins to arrive, until its turn is taken or `leave`.
  func arrives(_ upload: ArrivingUpload) { state.withLock { $0.arriving.append(upload) } }

  /// An upload is not on its way any more.
  func leave(_ upload: ArrivingUpload) {
    state.withLock { state in state.arriving.removeAll { $0 === upload } }
  }

  /// Takes the turn, to be given back by `end`.
  ///
  /// - Parameters:
  ///   - action: As the audit calls it.
  ///   - upload: What has arrived for it. Every other order ends the uploads that are on their way, if it is overriding:
  ///     whoever gave it did not know of them.
  ///   - overriding: Whether it ends a proof in progress. What is only to be exchanged yet is waited for; that takes no
  ///     longer than a record on the disk.
  ///   - isAbandoned: Whether whoever asks has gone.
  /// - Throws: A failure of the kind `busy` where another change is in progress, of the kind `cancelled` where somebody
  ///   has ended the upload while it arrived.
  package func take(
    _ action: String, by who: String, for upload: ArrivingUpload? = nil, overriding: Bool = false,
    isAbandoned: @escaping @Sendable () -> Bool = { false }
  ) throws(SwapFailure) -> SwapTurn {
    let turn = SwapTurn(action, by: who, isAbandoned: isAbandoned)
    while true {
      let committed = try state.withLock { (state) throws(SwapFailure) -> SwapTurn? in
        guard !state.isClosed else { throw Self.busy("the server is about to stop") }
        try upload?.check()
        if let current = state.current {
          guard overriding else { throw Self.busy("another swap is in progress") }
          guard current.cancel(by: who) else { return current }
        } else if !overriding, state.remnantCount >= Self.remnantLimit {
          throw Self.busy(
            "\(state.remnantCount) candidates that were ended still compute; try again soon")
        }
        if let upload {
          state.arriving.removeAll { $0 === upload }
        } else if overriding {
          state.arriving.removeAll { upload in
            if upload.isChange { upload.end(by: who) }
            return upload.isChange
          }
        }
        turn.enter()
        state.current = turn
        return nil
      }
      guard let committed else { return turn }
      committed.wait()
    }
  }

  /// Gives a turn back, once.
  package func end(_ turn: SwapTurn) {
    state.withLock { state in
      if state.current === turn { state.current = nil }
    }
    turn.leave()
  }

  /// Ends the uploads that are on their way, dry runs among them; what they were.
  package func endArriving(by who: String) -> [ArrivingUpload.Status] {
    state.withLock { state in
      defer { state.arriving = [] }
      return state.arriving.map { upload in
        upload.end(by: who)
        return upload.status
      }
    }
  }

  /// Ends what is in progress for somebody; nil where nothing is, false where nothing is left of it but the exchange.
  package func cancel(by who: String) -> (ended: SwapTurn.Status, isCancelled: Bool)? {
    state.withLock { state in
      guard let current = state.current else { return nil }
      let status = current.status
      let isCancelled = current.cancel(by: who)
      if isCancelled { state.current = nil }
      return (status, isCancelled)
    }
  }

  /// Nothing begins any more. False where something is in progress or still computes, and then nothing has changed.
  package func close() -> Bool {
    state.withLock { state in
      guard state.current == nil, state.remnantCount == 0 else { return false }
      state.isClosed = true
      return true
    }
  }

  /// Ends what is in progress and returns when its proof has noticed: for a process that is to end.
  package func stop() {
    guard let current else { return }
    _ = cancel(by: "the end of the server")
    current.wait()
  }

  func remnantBegan() { state.withLock { $0.remnantCount += 1 } }

  func remnantEnded() { state.withLock { $0.remnantCount -= 1 } }

  private static func busy(_ reason: String) -> SwapFailure {
    SwapFailure(step: .read, reason: reason, kind: .busy)
  }
}
