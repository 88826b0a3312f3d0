/// Which requests give way first.
package enum Priority: Sendable, Hashable {
  case normal
  /// Served when no other request waits, and the first to be refused.
  case low

  /// From the value of `X-Priority`: `low` is low, whatever else is said is normal.
  package init(_ text: String?) { self = text?.lowercased() == "low" ? .low : .normal }
}
