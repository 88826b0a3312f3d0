package import ModelStore
import Synchronization

/// An upload whose file is still on its way: shown to administrators, and ended by orders that go before it.
package final class ArrivingUpload: Sendable {
  /// What is shown of it.
  package struct Status: Sendable, Hashable {
    /// What was asked for, as the audit calls it.
    package let action: String
    package let by: String
    package let since: WallTime
    package let receivedByteCount: Int
    /// Nil where the client does not say how many will come.
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

  /// Counts bytes that have come; false where they are not wanted any more.
  func received(_ byteCount: Int) -> Bool {
    state.withLock { state in
      state.receivedByteCount += byteCount
      return state.endedBy == nil
    }
  }

  /// Nothing comes of it; the first who ends it is named.
  func end(by who: String) {
    state.withLock { state in
      if state.endedBy == nil { state.endedBy = who }
    }
  }

  /// Throws where somebody has ended it.
  func check() throws(SwapFailure) {
    guard let who = state.withLock(\.endedBy) else { return }
    throw SwapFailure(
      step: .read, reason: "ended by \(who) while the file was arriving", kind: .cancelled)
  }
}
