/// A host as options and variables name it: a name or an address, of IPv6 with the brackets of a URL or without.
package struct HostName: Sendable, Hashable, CustomStringConvertible {
  /// As the system's resolver takes it, without brackets.
  package let address: String

  package init(_ text: String) {
    let isBracketed = text.hasPrefix("[") && text.hasSuffix("]") && text.contains(":")
    address = isBracketed ? String(text.dropFirst().dropLast()) : text
  }

  /// As a URL and the field `Host` have it (RFC 3986, section 3.2.2): an IPv6 address in brackets.
  package var description: String {
    // A zone means something on this machine only.
    address.contains(":") ? "[\(address.prefix { $0 != "%" })]" : address
  }

  /// Where this machine reaches a server that listens here: "all addresses" means the loopback among them.
  package var reachable: HostName {
    switch address {
    case "0.0.0.0": HostName("127.0.0.1")
    case "::", "0:0:0:0:0:0:0:0": HostName("::1")
    default: self
    }
  }
}
