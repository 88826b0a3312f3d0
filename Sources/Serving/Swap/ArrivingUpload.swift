package import ModelStore
import Synchronization

/// An upload whose file is still arriving: shown to administrators, and ended by orders that go
/// before it.
package final class ArrivingUpload: Sendable {
  /// The details that administrators see.
  package struct Status: Sendable, Hashable {
    /// Action that was asked for, by the audit's name.
    package let action: String
    package let by: String
    package let since: WallTime
    package let receivedByteCount: Int
    /// Bytes that will come, or nil if the client does not say.
    package let expectedByteCount: Int?
  }

  private struct State {
    var receivedByteCount = 0
    var endedBy: String?
  }

  private let action: String
  private let by: String
  private let since: WallTime
  private let expectedByteCount: Int?
  /// Whether it would change what is live.
  let isChange: Bool
  private let state = Mutex(State())

  init(
    _ action: String, by: String, expectedByteCount: Int?, isChange: Bool, since: WallTime = .now
  ) {
    (self.action, self.by, self.since) = (action, by, since)
    (self.expectedByteCount, self.isChange) = (expectedByteCount, isChange)
  }

  package var status: Status {
    Status(
      action: action, by: by, since: since,
      receivedByteCount: state.withLock(\.receivedByteCount), expectedByteCount: expectedByteCount)
  }

  /// Counts bytes that have arrived. Returns false if they are no longer wanted.
  func received(_ byteCount: Int) -> Bool {
    state.withLock { state in
      state.receivedByteCount += byteCount
      return state.endedBy == nil
    }
  }

  /// Ends it; the first who does is named.
  func end(by who: String) {
    state.withLock { state in
      if state.endedBy == nil { state.endedBy = who }
    }
  }

  /// Throws if somebody has ended it.
  func check() throws(SwapFailure) {
    guard let who = state.withLock(\.endedBy) else { return }
    throw SwapFailure(
      step: .read, reason: "ended by \(who) while the file was arriving", kind: .cancelled)
  }
}
