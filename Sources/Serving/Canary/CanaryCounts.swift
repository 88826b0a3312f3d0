/// What a canary has done so far.
package struct CanaryCounts: Sendable, Hashable {
  /// Answered, refused and failed ones.
  package internal(set) var requests = 0
  /// Requests for which the network, not the client, was at fault.
  package internal(set) var errors = 0
  /// Pictures that the live model was asked about as well.
  package internal(set) var comparisons = 0
  /// Comparisons with another most likely class.
  package internal(set) var disagreements = 0
}
