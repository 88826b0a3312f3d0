import Glibc

/// An IPv4 or IPv6 address; one of IPv4 equals its mapping into IPv6 (RFC 4291, section
/// 2.5.5.2).
package struct NetworkAddress: Sendable, Hashable {
  /// Upper half of the 128 bits of an IPv6 address.
  package let high: UInt64
  /// Lower half of the 128 bits.
  package let low: UInt64

  private static let mappedPrefix: UInt64 = 0xffff_0000_0000

  package init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// Reads dotted IPv4, or IPv6 without brackets and zone; nil for anything else.
  package init?(_ text: some StringProtocol) {
    let text = String(text)
    var v4 = in_addr()
    // SAFETY: the destinations have the sizes of their families.
    if unsafe inet_pton(AF_INET, text, &v4) == 1 {
      self.init(high: 0, low: Self.mappedPrefix | UInt64(UInt32(bigEndian: v4.s_addr)))
      return
    }
    var halves: (UInt64, UInt64) = (0, 0)
    guard unsafe inet_pton(AF_INET6, text, &halves) == 1 else { return nil }
    self.init(high: UInt64(bigEndian: halves.0), low: UInt64(bigEndian: halves.1))
  }

  /// Reads an address with an optional port, IPv6 then in brackets: so connections and proxies
  /// name clients.
  package init?(withPort text: some StringProtocol) {
    if text.first == "[" {
      guard let end = text.firstIndex(of: "]") else { return nil }
      self.init(text[text.index(after: text.startIndex)..<end])
    } else if let colon = text.firstIndex(of: ":"), text[text.index(after: colon)...].contains(":")
    {
      self.init(text)
    } else {
      self.init(text.prefix { $0 != ":" })
    }
  }

  /// Dotted IPv4, or IPv6 as RFC 5952 writes it.
  package var text: String {
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    // SAFETY: the sources have the sizes of their families, and the text has room for either.
    if isIPv4 {
      var v4 = in_addr(s_addr: UInt32(truncatingIfNeeded: low).bigEndian)
      unsafe inet_ntop(AF_INET, &v4, &text, socklen_t(text.count))
    } else {
      var halves = (high.bigEndian, low.bigEndian)
      unsafe inet_ntop(AF_INET6, &halves, &text, socklen_t(text.count))
    }
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  package var isIPv4: Bool { high == 0 && low >> 32 == Self.mappedPrefix >> 32 }

  /// The part that one client has to itself: all of an IPv4 address, and the first 64 bits of an
  /// IPv6 address, since a single host may vary all others.
  package var client: NetworkAddress { isIPv4 ? self : NetworkAddress(high: high, low: 0) }
}

/// Addresses that begin alike: `10.0.0.0/8`, `2001:db8::/32`, or a single address.
package struct NetworkPrefix: Sendable, Hashable, CustomStringConvertible {
  /// The prefix as it was written.
  package let description: String
  private let address: NetworkAddress
  /// Bits of the prefix, counted in the 128 of IPv6.
  private let bitCount: Int

  /// Reads a prefix; nil where the string is neither an address nor a prefix, or has bits set
  /// beyond the prefix.
  package init?(_ text: some StringProtocol) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard 1...2 ~= parts.count, let address = NetworkAddress(parts[0]) else { return nil }
    let width = parts[0].contains(":") ? 128 : 32
    var length = width
    if parts.count == 2 {
      guard parts[1].utf8.allSatisfy(ASCII.isDigit), let count = Int(parts[1]), count <= width
      else { return nil }
      length = count
    }
    bitCount = 128 - width + length
    self.address = address
    description = String(text)
    guard Self.masked(address, bitCount) == address else { return nil }
  }

  package func contains(_ address: NetworkAddress) -> Bool {
    Self.masked(address, bitCount) == self.address
  }

  private static func masked(_ address: NetworkAddress, _ bitCount: Int) -> NetworkAddress {
    // Shifts beyond the width give 0.
    let high = UInt64.max << (64 - min(bitCount, 64))
    let low = UInt64.max << (128 - max(bitCount, 64))
    return NetworkAddress(high: address.high & high, low: address.low & low)
  }
}
