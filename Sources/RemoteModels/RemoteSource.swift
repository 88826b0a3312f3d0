import Words

/// Source of models: a folder, a web server's folder, or a prefix in an S3 bucket.
package enum RemoteSource: Sendable, Hashable, CustomStringConvertible {
  case folder(String)
  /// An address without the last slash.
  case web(String)
  case bucket(Bucket)

  static let addressByteLimit = 2048
  private static let unknownScheme = "neither http://, https:// nor s3://"
  /// Addresses for people, by scheme.
  private static let examples = [
    "s3": "s3://bucket/prefix", "http": "http://host/folder", "https": "https://host/folder",
  ]

  /// - Parameters:
  ///   - text: `DIR`, `http(s)://…` or `s3://bucket/prefix`.
  ///   - environment: Environment of the process, for the usual variables of AWS's tools.
  package init(_ text: String, environment: [String: String]) throws(RemoteError) {
    if text.hasPrefix("s3://") {
      self = .bucket(try Bucket(text, environment: environment))
    } else if text.containsText("://") {
      self = .web(try Self.address(text))
    } else {
      if let scheme = Self.scheme(of: text) {
        let meant = Self.examples[scheme.lowercased()].map { "it is written like \($0)" }
        throw .malformedSource(
          text,
          reason: (meant ?? Self.unknownScheme) + "; a folder of such a name begins with ./")
      }
      guard !text.isEmpty, !text.utf8.contains(0), text.utf8.count < Self.addressByteLimit else {
        throw .malformedSource(text, reason: "no path of a folder")
      }
      self = .folder(text)
    }
  }

  /// Returns the scheme that a text begins with, which is not the path of a folder then; nil if it
  /// begins with none.
  private static func scheme(of text: String) -> Substring? {
    let scheme = text.prefix { $0 != ":" && $0 != "/" }
    let isKnown = examples[scheme.lowercased()] != nil
    let rest = text[scheme.endIndex...]
    return rest.hasPrefix(":") && (isKnown || rest.hasPrefix(":/")) ? scheme : nil
  }

  /// Description that never contains a credential.
  package var description: String {
    switch self {
    case .folder(let path): path
    case .web(let address): address
    case .bucket(let bucket): bucket.description
    }
  }

  /// Whether it is reached over TLS.
  package var isEncrypted: Bool { address(of: "").hasPrefix("https://") }

  /// Returns the path or address of a file in it.
  func address(of name: String) -> String {
    switch self {
    case .folder(let path): "\(path)/\(name)"
    case .web(let address): "\(address)/\(name)"
    case .bucket(let bucket): "\(bucket.address)/\(name)"
    }
  }

  /// Checks an address and removes slashes from its end.
  static func address(_ text: String) throws(RemoteError) -> String {
    let scheme = ["http://", "https://"].first { text.hasPrefix($0) }
    guard let scheme else {
      throw .malformedSource(text, reason: unknownScheme)
    }
    let rest = text.dropFirst(scheme.count)
    let authority = rest.prefix { $0 != "/" }
    guard !authority.contains("@") else {
      throw .malformedSource(text, reason: "credentials do not belong in an address")
    }
    guard text.utf8.count < addressByteLimit, !authority.isEmpty,
      text.utf8.allSatisfy({ 0x21...0x7e ~= $0 }), !text.contains("?"), !text.contains("#")
    else { throw .malformedSource(text, reason: "no address of a folder") }
    var address = Substring(text)
    while address.hasSuffix("/") { address.removeLast() }
    return String(address)
  }

  /// Returns whether it is a letter, digit, `.`, `_` or `-`, which no address needs to escape.
  static func isPlain(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"),
      UInt8(ascii: "-"):
      true
    default: false
    }
  }
}
