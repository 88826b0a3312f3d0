package import Checkpoint

/// A model that the store keeps.
package struct StoredVersion: Sendable, Hashable {
  package enum State: String, Sendable, Hashable {
    /// Recorded as the one that serves.
    case live
    /// Live before the live one: what a rollback goes to.
    case previous
    case kept
  }

  package let version: ModelVersion
  package let name: String
  package let byteCount: Int
  package let storedAt: WallTime
  package let by: String
  package internal(set) var state: State
  /// Whether something else than its state keeps it, as a canary does.
  package internal(set) var isPinned: Bool
}
