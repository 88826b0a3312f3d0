package import Checkpoint

/// A model that the store keeps.
package struct StoredVersion: Sendable, Hashable {
  package enum State: String, Sendable, Hashable {
    /// Recorded as the version that serves.
    case live
    /// Live before the live one, and the target of a rollback.
    case previous
    case kept
  }

  package let version: ModelVersion
  package let name: String
  package let byteCount: Int
  package let storedAt: WallTime
  package let by: String
  package internal(set) var state: State
  /// Whether it is in use for a reason other than its state, such as a canary.
  package internal(set) var isPinned: Bool
}
