package import HTTPServer

/// What is known of encrypted connections when metrics are asked for.
package struct TLSGauge: Sendable {
  let doneCount: Int
  let failedCount: Int
  /// Seconds since 1970 at which the first certificate expires.
  let validUntil: Int

  /// - Parameter identities: One for each listener; those that share one count once.
  package init(_ identities: [TLSIdentity]) {
    var seen: [TLSIdentity] = []
    for identity in identities where !seen.contains(where: { $0 === identity }) {
      seen.append(identity)
    }
    let counts = seen.map(\.handshakeCounts)
    doneCount = counts.reduce(0) { $0 + $1.done }
    failedCount = counts.reduce(0) { $0 + $1.failed }
    validUntil = seen.map(\.validSeconds.upperBound).min() ?? 0
  }
}
