/// The objects of an S3 bucket whose keys begin like a folder's path.
package struct ObjectFolder: Sendable, Hashable, CustomStringConvertible {
  /// Bytes of a key (Amazon S3 User Guide, "Object key naming guidelines").
  private static let keyByteLimit = 1024

  let bucket: Bucket
  /// Beginning of the keys: empty, or with a final slash.
  package let prefix: String

  /// Parses `s3://bucket` or `s3://bucket/folder`, with or without a final slash.
  ///
  /// - Parameter environment: Environment of the process, for the usual variables of AWS's tools.
  package init(_ text: String, environment: [String: String]) throws(RemoteError) {
    do throws(RemoteError) {
      try self.init(checked: text, environment)
    } catch {
      guard case .malformedSource(let text, let reason) = error else { throw error }
      throw .malformedAddress(text, reason: reason)
    }
  }

  private init(checked text: String, _ environment: [String: String]) throws(RemoteError) {
    let scheme = "s3://"
    guard text.hasPrefix(scheme) else {
      throw .malformedSource(text, reason: "not s3://BUCKET/FOLDER")
    }
    let parts = text.dropFirst(scheme.count).split(
      separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    var prefix = parts.count > 1 ? String(parts[1]) : ""
    if !prefix.isEmpty, !prefix.hasSuffix("/") { prefix += "/" }
    guard prefix.utf8.count < Self.keyByteLimit else {
      throw .malformedSource(text, reason: "a key has at most \(Self.keyByteLimit) bytes")
    }
    bucket = try Bucket(scheme + (parts.first ?? ""), environment: environment)
    self.prefix = prefix
  }

  package var description: String { name(of: prefix) }

  /// Returns the key's name beside those of other buckets: `s3://bucket/key`.
  package func name(of key: String) -> String { "\(bucket)/\(key)" }

  /// Returns whether an address can have the key: `.` and `..` would be taken for steps in it.
  package static func canAddress(_ key: String) -> Bool {
    !key.split(separator: "/", omittingEmptySubsequences: false).contains {
      $0 == "." || $0 == ".."
    }
  }

  func address(of key: String) -> String {
    "\(bucket.address)/\(PercentCoding.encoded(key, isPath: true))"
  }

  /// Returns the address of a page of the listing; the fields of its query stand in the order of
  /// their names.
  ///
  /// - Parameters:
  ///   - start: Further beginning of the keys, after the prefix.
  ///   - token: End of the page before it; nil for the first one.
  func listingAddress(start: String, after token: String?) -> String {
    let fields = [
      ("continuation-token", token), ("encoding-type", "url"), ("list-type", "2"),
      ("prefix", prefix + start),
    ]
    let query = fields.compactMap { name, value in
      value.map { "\(name)=\(PercentCoding.encoded($0))" }
    }
    return "\(bucket.address)/?\(query.joined(separator: "&"))"
  }
}
