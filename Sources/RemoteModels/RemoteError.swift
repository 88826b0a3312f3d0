package import Checkpoint
package import ModelStore

/// Reason why a remote store cannot be followed; nothing is kept of what was fetched.
package enum RemoteError: Error, Hashable, CustomStringConvertible {
  /// The string does not name a store, or a setting of the environment is useless.
  case malformedSource(String, reason: String)
  /// The string cannot be the address of a published file.
  case malformedAddress(String, reason: String)
  /// There was no answer, or not all of it.
  case transfer(address: String, reason: String)
  /// The other side's certificate is not from a known authority.
  case untrusted(address: String, reason: String)
  /// It redirects endlessly, or to a place that nothing is fetched from.
  case misdirected(address: String, reason: String)
  case status(address: String, Int)
  case tooLarge(address: String, limit: Int)
  /// `current.json` is malformed.
  case malformedPointer(address: String, reason: String)
  /// The bytes do not have the digest that the pointer names.
  case wrongDigest(address: String, expected: ModelVersion, actual: ModelVersion)
  /// The bytes do not have the digest that the digits in the file's name promise.
  case wrongDigits(address: String, expected: String, actual: ModelVersion)
  /// A local file cannot be written or read: `doing` is what was tried.
  case file(path: String, doing: String, reason: String)
  /// The local store does not accept it.
  case store(StoreError)
  /// `Cancellation.cancel` was called.
  case cancelled

  package var description: String {
    switch self {
    case .malformedSource(let text, let reason): "model store \(Self.shown(text)): \(reason)"
    case .malformedAddress(let text, let reason): "\(Self.shown(text)): \(reason)"
    case .transfer(let address, let reason), .misdirected(let address, let reason):
      "cannot fetch \(address): \(reason)"
    case .untrusted(let address, let reason):
      "cannot fetch \(address): \(reason); \(Authorities.remedy)"
    case .status(let address, let status): "cannot fetch \(address): status \(status)"
    case .tooLarge(let address, let limit):
      "cannot fetch \(address): more than \(limit) bytes"
    case .malformedPointer(let address, let reason): "\(address): \(reason)"
    case .wrongDigest(let address, let expected, let actual):
      "\(address) is \(actual.hex), the pointer names \(expected.hex)"
    case .wrongDigits(let address, let expected, let actual):
      "\(address): the SHA-256 begins with \(actual.hex.prefix(expected.utf8.count)), by the name "
        + "it is \(expected); nothing of it was kept"
    case .file(let path, let doing, let reason): "cannot \(doing) \(path): \(reason)"
    case .store(let error): "\(error)"
    case .cancelled: "cancelled"
    }
  }

  /// Returns the part of a rejected string that may be shown.
  ///
  /// A password stands before an `@`, the signature of an address in its query.
  private static func shown(_ text: String) -> String {
    guard !text.contains("@") else {
      return (["http://", "https://", "s3://"].first { text.hasPrefix($0) } ?? "") + "…"
    }
    let path = text.prefix { $0 != "?" && $0 != "#" }
    return path.count == text.count ? text : path + "?…"
  }
}
