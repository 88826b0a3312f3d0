import Words

/// Admin endpoint of a running server, as `--push` names it.
struct PushAddress: Sendable, Equatable {
  /// Port of an address without one, that of `serve`.
  private static let usualPort = ModelSettings().port
  private static let expected = """
    the address of a server's admin endpoint: HOST, HOST:PORT, [ADDRESS]:PORT for IPv6, https:// \
    before these for TLS, or the path of a Unix socket with a slash in it
    """

  let host: String
  let port: Int
  let socketPath: String?
  let usesTLS: Bool

  init(_ text: String) throws(InvalidValue) {
    let scheme = ["http://", "https://"].first { text.hasPrefix($0) }
    let isURL = scheme != nil
    usesTLS = scheme == "https://"
    var rest = text.dropFirst(scheme?.count ?? 0)
    if isURL, rest.hasSuffix("/") { rest = rest.dropLast() }
    guard !rest.contains("/") else {
      guard !isURL, !text.containsText("://"), !text.hasSuffix("/") else {
        throw InvalidValue(expected: Self.expected, advice: "; it is not a URL with a path")
      }
      (host, port, socketPath) = ("", 0, text)
      return
    }
    let name: Substring
    if rest.hasPrefix("["), let end = rest.firstIndex(of: "]") {
      name = rest[rest.index(after: rest.startIndex)..<end]
      rest = rest[rest.index(after: end)...]
      guard name.contains(":"), name.allSatisfy({ $0.isHexDigit || $0 == ":" || $0 == "." }) else {
        throw InvalidValue(expected: Self.expected)
      }
    } else {
      name = rest.prefix { $0 != ":" }
      rest = rest[name.endIndex...]
      let others: Set<Character> = ["-", ".", "_"]
      guard !name.isEmpty,
        name.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || others.contains($0)) })
      else { throw InvalidValue(expected: Self.expected) }
    }
    host = String(name)
    socketPath = nil
    guard !rest.isEmpty else {
      port = Self.usualPort
      return
    }
    guard rest.first == ":" else { throw InvalidValue(expected: Self.expected) }
    do throws(InvalidValue) {
      port = try OptionValue.integer(String(rest.dropFirst()), in: 1...65535)
    } catch {
      throw InvalidValue(expected: Self.expected + ", with a port from 1 to 65535")
    }
  }
}
