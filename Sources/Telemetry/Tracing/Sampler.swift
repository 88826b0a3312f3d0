/// Rule for which traces are recorded.
package struct Sampler: Sendable, Hashable {
  /// The default of OpenTelemetry: what the client has decided, else every trace.
  package static let usual = Sampler(followsParent: true, ratio: 1)

  /// Whether a client's decision holds, where it has made one.
  private let followsParent: Bool
  /// Share of the traces that the rule itself decides about, 0...1.
  private let ratio: Double

  private init(followsParent: Bool, ratio: Double) {
    (self.followsParent, self.ratio) = (followsParent, ratio)
  }

  /// Finds the rule of a name that `OTEL_TRACES_SAMPLER` may have; nil for any other.
  ///
  /// - Parameter ratio: Share that those rules take which have one, 0...1.
  package init?(name: String, ratio: Double) {
    precondition(0...1 ~= ratio, "ratio must be from 0 to 1")
    switch name {
    case "always_on": self.init(followsParent: false, ratio: 1)
    case "always_off": self.init(followsParent: false, ratio: 0)
    case "traceidratio": self.init(followsParent: false, ratio: ratio)
    case "parentbased_always_on": self.init(followsParent: true, ratio: 1)
    case "parentbased_always_off": self.init(followsParent: true, ratio: 0)
    case "parentbased_traceidratio": self.init(followsParent: true, ratio: ratio)
    default: return nil
    }
  }

  package static let names = [
    "always_on", "always_off", "traceidratio", "parentbased_always_on", "parentbased_always_off",
    "parentbased_traceidratio",
  ]

  /// Returns whether a trace is recorded.
  ///
  /// The share is decided by 63 bits of the last 64 of its number, as OpenTelemetry's SDK for Go does it,
  /// so that services with the same share record the same traces.
  ///
  /// - Parameter isParentSampled: The client's decision; nil where the trace begins here.
  package func samples(_ trace: TraceID, isParentSampled: Bool?) -> Bool {
    if followsParent, let isParentSampled { return isParentSampled }
    return trace.low >> 1 < UInt64(ratio * 0x1p63)
  }
}
