/// A host as options and variables give it: a name or an address, IPv6 with or without the brackets
/// of a URL.
package struct HostName: Sendable, Hashable, CustomStringConvertible {
  /// The host as the system's resolver takes it, without brackets.
  package let address: String

  package init(_ text: String) {
    let isBracketed = text.hasPrefix("[") && text.hasSuffix("]") && text.contains(":")
    address = isBracketed ? String(text.dropFirst().dropLast()) : text
  }

  /// The host as in a URL and the field `Host`: an IPv6 address in brackets (RFC 3986, section
  /// 3.2.2).
  package var description: String {
    // A zone means something on this machine only.
    address.contains(":") ? "[\(address.prefix { $0 != "%" })]" : address
  }

  /// Host at which this machine reaches a server that listens here; for "all addresses" it is the
  /// loopback.
  package var reachable: HostName {
    switch address {
    case "0.0.0.0": HostName("127.0.0.1")
    case "::", "0:0:0:0:0:0:0:0": HostName("::1")
    default: self
    }
  }
}
