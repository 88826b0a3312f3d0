import Words

/// A prefix in an S3 bucket, and the credentials that sign requests for it.
package struct Bucket: Sendable, Hashable, CustomStringConvertible {
  private static let defaultRegion = "us-east-1"

  /// Two strings and the token of a session, as AWS issues them.
  struct Credentials: Sendable, Hashable, CustomStringConvertible {
    let key: String
    let secret: String
    let sessionToken: String?

    /// The key is not a secret; the rest is.
    var description: String { key }
  }

  private let name: String
  private let prefix: String
  let region: String
  /// Address of the prefix, without the last slash.
  let address: String
  /// Credentials, or nil for a bucket that anybody may read.
  let credentials: Credentials?

  package var description: String { "s3://\(name)" + (prefix.isEmpty ? "" : "/\(prefix)") }

  /// Parses `s3://bucket` or `s3://bucket/prefix`.
  init(_ text: String, environment: [String: String]) throws(RemoteError) {
    let parts = text.dropFirst("s3://".count).split(
      separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    name = String(parts.first ?? "")
    var prefix = parts.count > 1 ? parts[1] : ""
    while prefix.hasSuffix("/") { prefix.removeLast() }
    self.prefix = String(prefix)
    guard Self.isName(name) else {
      throw .malformedSource(text, reason: "no name of a bucket")
    }
    let components = prefix.split(separator: "/", omittingEmptySubsequences: false)
    let arePlain = components.allSatisfy { component in
      !component.isEmpty && component != "." && component != ".."
        && component.utf8.allSatisfy(RemoteSource.isPlain)
    }
    guard prefix.isEmpty || arePlain, text.utf8.count < RemoteSource.addressByteLimit else {
      throw .malformedSource(
        text, reason: "the prefix may have letters, digits, '.', '_', '-' and single '/'")
    }
    let set = environment.filter { !$0.value.isEmpty }
    region = set["AWS_REGION"] ?? set["AWS_DEFAULT_REGION"] ?? Self.defaultRegion
    guard region.utf8.allSatisfy(RemoteSource.isPlain) else {
      throw .malformedSource(text, reason: "AWS_REGION is not a region: \(region)")
    }
    credentials = try Self.credentials(set, text)
    let folder = self.prefix.isEmpty ? "" : "/\(self.prefix)"
    if let endpoint = set["AWS_ENDPOINT_URL_S3"] ?? set["AWS_ENDPOINT_URL"] {
      address = "\(try RemoteSource.address(endpoint))/\(name)\(folder)"
    } else if name.contains(".") {
      // A certificate for all buckets is valid for names without dots only.
      address = "https://s3.\(region).amazonaws.com/\(name)\(folder)"
    } else {
      address = "https://\(name).s3.\(region).amazonaws.com\(folder)"
    }
  }

  private static func credentials(
    _ environment: [String: String], _ text: String
  ) throws(RemoteError) -> Credentials? {
    let (key, secret) = (environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"])
    guard let key, let secret else {
      guard key == nil, secret == nil else {
        throw .malformedSource(
          text, reason: "only one of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY is set")
      }
      return nil
    }
    let token = environment["AWS_SESSION_TOKEN"]
    guard [key, secret, token ?? ""].allSatisfy({ $0.utf8.allSatisfy { 0x21...0x7e ~= $0 } })
    else {
      throw .malformedSource(text, reason: "a credential of the environment is malformed")
    }
    return Credentials(key: key, secret: secret, sessionToken: token)
  }

  /// Returns whether it follows the Amazon S3 User Guide, "General purpose bucket naming rules".
  private static func isName(_ text: String) -> Bool {
    3...63 ~= text.utf8.count && !text.containsText("..") && !text.hasPrefix(".")
      && text.utf8.allSatisfy { byte in
        RemoteSource.isPlain(byte) && byte != UInt8(ascii: "_")
          && !(UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte)
      }
  }
}
