/// Names and addresses that only this machine answers to.
package enum Loopback {
  /// Without a port and without brackets; a name that merely begins with 127 can be anything.
  package static func contains(_ host: some StringProtocol) -> Bool {
    if host == "::1" || host.lowercased() == "localhost" { return true }
    let parts = host.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
  }
}
