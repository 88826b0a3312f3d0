package import HTTPCore

/// Limits of each client, known by its address; a client of IPv6 is a network of 64 bits.
package struct ClientLimits: Sendable {
  /// Open connections of one client, or requests in progress where a trusted proxy speaks for it;
  /// nil, the default, for any number.
  package var connectionLimit: Int?
  /// Requests per second of one client, in bursts of as many; nil, the default, for any number.
  package var requestRate: Int?
  /// Proxies whose `X-Forwarded-For` is believed.
  package var trustedProxies: [NetworkPrefix] = []
  /// Clients remembered at once, 65,536; for a further one the longest unseen is forgotten.
  package var tableLimit = 65_536

  package init() {}

  var areOn: Bool { connectionLimit != nil || requestRate != nil }

  func trusts(_ address: NetworkAddress) -> Bool {
    trustedProxies.contains { $0.contains(address) }
  }

  /// Finds out whose request it is: the peer's, or that of the rightmost address of
  /// `X-Forwarded-For` that is not a trusted proxy's.
  ///
  /// Only addresses that trusted proxies have added count: those to the left of the first stranger
  /// may be invented.
  package func client(of peer: NetworkAddress, _ fields: HeaderFields) -> NetworkAddress {
    (forwarded(by: peer, fields) ?? peer).client
  }

  /// Finds the address of the client for which a trusted proxy has sent a request; nil where the peer
  /// is none, or names nobody.
  func forwarded(by peer: NetworkAddress, _ fields: HeaderFields) -> NetworkAddress? {
    guard trusts(peer) else { return nil }
    var client: NetworkAddress?
    for value in fields.values(of: "X-Forwarded-For").reversed() {
      for member in value.split(separator: ",", omittingEmptySubsequences: false).reversed() {
        let text = String(
          member.drop { $0 == " " || $0 == "\t" }.prefix { $0 != " " && $0 != "\t" })
        guard let address = NetworkAddress(withPort: text) else { return client }
        client = address
        if !trusts(address) { return client }
      }
    }
    return client
  }
}

extension ProblemKind {
  static let clientConnectionLimit = ProblemKind("client-connection-limit")
  static let clientRequestRate = ProblemKind("client-request-rate")
}
