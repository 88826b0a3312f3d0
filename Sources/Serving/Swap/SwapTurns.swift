import Synchronization

/// Turns to change the live model, one at a time.
///
/// An administrator's newest order goes before a proof and before uploads that are still arriving.
/// A forward pass cannot be interrupted, so computing for a cancelled turn may continue for a while
/// beside the next one; its result is thrown away.
package final class SwapTurns: Sendable {
  /// Cancelled candidates still computing at which no further upload is proved; overriding orders
  /// are not held back.
  static let remnantLimit = 2

  private struct State {
    var current: SwapTurn?
    var arriving: [ArrivingUpload] = []
    var remnantCount = 0
    var isClosed = false
  }

  private let state = Mutex(State())

  package init() {}

  /// The change in progress, if any.
  package var current: SwapTurn? { state.withLock(\.current) }

  /// Arriving uploads, in the order in which they began.
  package var arriving: [ArrivingUpload.Status] {
    state.withLock { $0.arriving.map(\.status) }
  }

  /// Adds an upload that begins to arrive, until its turn is taken or `leave`.
  func arrives(_ upload: ArrivingUpload) { state.withLock { $0.arriving.append(upload) } }

  /// Removes an upload that is no longer arriving.
  func leave(_ upload: ArrivingUpload) {
    state.withLock { state in state.arriving.removeAll { $0 === upload } }
  }

  /// Takes the turn; `end` gives it back.
  ///
  /// - Parameters:
  ///   - action: The audit's name for it.
  ///   - upload: The upload that has arrived for it. Any other order, if it is overriding, ends the
  ///     arriving uploads that would change what is live: whoever gave it did not know of them.
  ///   - overriding: Whether it ends a proof in progress. A change of which only the swap is left
  ///     is waited for; that takes no longer than a record on the disk.
  ///   - isAbandoned: Whether whoever asks has gone.
  /// - Throws: A failure of kind `busy` if another change is in progress, or of kind `cancelled` if
  ///   somebody has ended the upload while it arrived.
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

  /// Ends the arriving uploads, dry runs among them, and returns their status.
  package func endArriving(by who: String) -> [ArrivingUpload.Status] {
    state.withLock { state in
      defer { state.arriving = [] }
      return state.arriving.map { upload in
        upload.end(by: who)
        return upload.status
      }
    }
  }

  /// Ends the change in progress for somebody. Returns nil if there is none.
  ///
  /// `isCancelled` is false if nothing is left of it but the swap.
  package func cancel(by who: String) -> (ended: SwapTurn.Status, isCancelled: Bool)? {
    state.withLock { state in
      guard let current = state.current else { return nil }
      let status = current.status
      let isCancelled = current.cancel(by: who)
      if isCancelled { state.current = nil }
      return (status, isCancelled)
    }
  }

  /// Refuses further changes. Returns false, having changed nothing, if one is in progress or still
  /// computes.
  package func close() -> Bool {
    state.withLock { state in
      guard state.current == nil, state.remnantCount == 0 else { return false }
      state.isClosed = true
      return true
    }
  }

  /// Ends the change in progress and returns when its proof has noticed: for a process that is to
  /// end.
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
