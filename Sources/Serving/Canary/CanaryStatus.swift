package import Checkpoint
package import ModelStore

/// A canary as it stands, for people; keeps no model in memory.
package struct CanaryStatus: Sendable {
  package let name: String
  package let version: ModelVersion
  package let rules: CanaryRules
  package let since: WallTime
  package let by: String
  package let counts: CanaryCounts
  /// Whether its answers are compared with those of the live model.
  package let isCompared: Bool
}
