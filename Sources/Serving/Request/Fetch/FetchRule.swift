import Glibc
import HTTPCore

/// Server that an image comes from, as a URL names it.
package struct ImageOrigin: Sendable, Hashable, CustomStringConvertible {
  package var isEncrypted: Bool
  /// In lower case; an IPv6 address without brackets.
  package var host: String
  package var port: Int

  package init(isEncrypted: Bool, host: String, port: Int) {
    (self.isEncrypted, self.host, self.port) = (isEncrypted, host, port)
  }

  /// The host as in a URL, with the port where it is not the scheme's own.
  package var description: String {
    let shown = host.contains(":") ? "[\(host)]" : host
    return port == (isEncrypted ? 443 : 80) ? shown : "\(shown):\(port)"
  }
}

/// Servers from which images are fetched that requests name in place of sending them.
package struct FetchRule: Sendable, Hashable {
  /// Where a server may be that a name leads to.
  package enum Permission: Sendable, Hashable {
    case refused
    /// At addresses of the public network alone.
    case publicNetwork
    case anywhere
  }

  /// Servers in a list.
  private static let countLimit = 1000

  private struct Server: Sendable, Hashable {
    var origin: ImageOrigin
    /// Whether all names that end in it are meant in its place.
    var isSuffix: Bool
    /// Whether it is an address, which the operator has given as it is.
    var isAddress: Bool
  }

  private let servers: [Server]
  /// Servers as they were given.
  package let list: [String]

  /// Nothing is fetched.
  package static let off = FetchRule(servers: [], list: [])

  package var isOff: Bool { servers.isEmpty }

  /// Whether any of the servers is asked over TLS.
  package var usesTLS: Bool { servers.contains { $0.origin.isEncrypted } }

  private init(servers: [Server], list: [String]) { (self.servers, self.list) = (servers, list) }

  /// Reads servers by commas; nil for anything else.
  ///
  /// Each is a host, or `*.` and what names of hosts end in, with a port if it is not the usual one.
  /// Images are fetched over TLS, but for servers with `http://` before them.
  package init?(_ text: String) {
    let list = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    let servers = list.compactMap(Self.server)
    guard servers.count == list.count, list.count <= Self.countLimit else { return nil }
    self.init(servers: servers, list: list)
  }

  private static func server(_ text: String) -> Server? {
    var rest = text.lowercased()[...]
    var isEncrypted = true
    if rest.hasPrefix("http://") {
      isEncrypted = false
      rest = rest.dropFirst("http://".count)
    } else if rest.hasPrefix("https://") {
      rest = rest.dropFirst("https://".count)
    }
    let isSuffix = rest.hasPrefix("*.")
    if isSuffix { rest = rest.dropFirst(2) }
    guard !rest.isEmpty, !rest.contains("*"), RequestTarget.isAuthority(rest) else { return nil }
    var host = rest
    var port = isEncrypted ? 443 : 80
    if let colon = rest.lastIndex(of: ":"), !rest[colon...].contains("]") {
      guard let given = Int(rest[rest.index(after: colon)...]), 1...65535 ~= given else {
        return nil
      }
      (host, port) = (rest[..<colon], given)
    }
    let address = Self.address(host)
    guard !host.isEmpty, address == nil || !isSuffix else { return nil }
    return Server(
      origin: ImageOrigin(isEncrypted: isEncrypted, host: address ?? String(host), port: port),
      isSuffix: isSuffix, isAddress: address != nil)
  }

  /// Returns an address of IPv4, or of IPv6 in brackets, as it is written shortest; nil for a name.
  private static func address(_ host: Substring) -> String? {
    let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
    let text = isBracketed ? String(host.dropFirst().dropLast()) : String(host)
    let family = isBracketed ? AF_INET6 : AF_INET
    var bytes = [UInt8](repeating: 0, count: 16)
    var shortest = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    // SAFETY: room for an address of either family, and for its text.
    guard unsafe inet_pton(family, text, &bytes) == 1,
      unsafe inet_ntop(family, bytes, &shortest, socklen_t(shortest.count)) != nil
    else { return nil }
    let length = shortest.firstIndex(of: 0) ?? shortest.count
    return String(decoding: shortest[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Returns whether images are fetched from a server.
  package func permission(for origin: ImageOrigin) -> Permission {
    let known = servers.first { server in
      guard server.origin.isEncrypted == origin.isEncrypted, server.origin.port == origin.port
      else { return false }
      return server.isSuffix
        ? origin.host.hasSuffix("." + server.origin.host) : origin.host == server.origin.host
    }
    guard let known else { return .refused }
    return known.isAddress ? .anywhere : .publicNetwork
  }
}
