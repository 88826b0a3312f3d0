import COpenSSL
import Checkpoint
import Files
import HTTPCore

/// The signature of a request, after "Signature Version 4 signing process" of the AWS General
/// Reference.
struct AWSSignature {
  let key: String
  /// Scope: date, region, service and `aws4_request`.
  let scope: String
  let signedNames: [String]
  let value: String

  init?(of head: RequestHead) {
    let scheme = "AWS4-HMAC-SHA256 "
    guard let text = head.fields["Authorization"], text.hasPrefix(scheme) else { return nil }
    var parts: [Substring: Substring] = [:]
    for part in text.dropFirst(scheme.count).split(separator: ",") {
      let pair = part.drop { $0 == " " }.split(separator: "=", maxSplits: 1)
      guard pair.count == 2 else { return nil }
      parts[pair[0]] = pair[1]
    }
    guard let credential = parts["Credential"]?.split(separator: "/", maxSplits: 1),
      credential.count == 2, let names = parts["SignedHeaders"], let value = parts["Signature"]
    else { return nil }
    key = String(credential[0])
    scope = String(credential[1])
    signedNames = names.split(separator: ";").map(String.init)
    self.value = String(value)
  }

  /// Returns the right signature for the secret.
  func expected(secret: String, for head: RequestHead) -> String? {
    guard let date = head.fields["x-amz-date"] else { return nil }
    // The digest of no bytes, if the request has none.
    let none = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    let fields = signedNames.map { "\($0):\(head.fields[$0] ?? "")\n" }.joined()
    let target = head.target.raw.split(separator: "?", maxSplits: 1)
    let query = target.count > 1 ? target[1].split(separator: "&").sorted() : []
    let canonical = [
      head.method, String(target[0]), query.joined(separator: "&"), fields,
      signedNames.joined(separator: ";"),
      head.fields["x-amz-content-sha256"] ?? none,
    ].joined(separator: "\n")
    guard let digest = try? version(of: Array(canonical.utf8)).hex else { return nil }
    let text = ["AWS4-HMAC-SHA256", date, scope, digest].joined(separator: "\n")
    var signing = Array("AWS4\(secret)".utf8)
    for part in scope.split(separator: "/") { signing = Self.hmac(signing, String(part)) }
    return ModelVersion(digest: Self.hmac(signing, text)).hex
  }

  private static func hmac(_ key: [UInt8], _ text: String) -> [UInt8] {
    let text = Array(text.utf8)
    var code = [UInt8](repeating: 0, count: SHA256.byteCount)
    var count = 0
    // SAFETY: libcrypto reads key and string during the call and writes the 32 bytes that there is
    // room for.
    unsafe EVP_Q_mac(
      nil, "HMAC", nil, "SHA256", nil, key, key.count, text, text.count, &code, code.count, &count)
    return code
  }
}
