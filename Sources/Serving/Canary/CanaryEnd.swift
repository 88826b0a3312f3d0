package import ModelStore

/// How a canary ended.
package struct CanaryEnd: Sendable {
  package let reason: CanaryEndReason
  package let at: WallTime
  /// As it was then.
  package let status: CanaryStatus
}
