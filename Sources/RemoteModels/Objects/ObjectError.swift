/// Reason why a bucket's objects cannot be listed, read or written.
package enum ObjectError: Error, Hashable, CustomStringConvertible {
  package enum Action: String, Sendable {
    case list, read, write

    /// Right that AWS calls so.
    fileprivate var right: String {
      switch self {
      case .list: "s3:ListBucket"
      case .read: "s3:GetObject"
      case .write: "s3:PutObject"
      }
    }
  }

  /// There was no answer, or not all of it.
  case unanswered(Action, String, reason: String)
  /// The other side's certificate is not from a known authority.
  case untrusted(Action, String, reason: String)
  case refused(Action, String, Refusal)
  /// What was sent as a listing is not one.
  case malformedListing(String, reason: String)
  /// Another object has the key.
  case exists(String)
  /// The caller does not want it any more.
  case cancelled

  /// An answer that is not a success, with the code and message of its document ("Error responses"
  /// of the Amazon S3 API Reference); they are empty where it has none.
  package struct Refusal: Sendable, Hashable {
    let status: Int
    let code: String
    let message: String
    /// Region that the server names as the bucket's, if requests were not signed for it.
    let region: String?
    let isSigned: Bool

    init(status: Int, body: [UInt8], region: String, of bucket: Bucket) {
      let elements = (try? XMLDocument.elements(of: body)) ?? []
      func text(_ name: String) -> String? { elements.first { $0.path == "Error/\(name)" }?.text }
      self.status = status
      isSigned = bucket.credentials != nil
      code = text("Code") ?? ""
      message = text("Message") ?? ""
      let named = region.isEmpty ? text("Region") : region
      self.region = named == bucket.region ? nil : named
    }
  }

  package var description: String {
    switch self {
    case .unanswered(let action, let place, let reason):
      "cannot \(action.rawValue) \(place): \(reason)"
    case .untrusted(let action, let place, let reason):
      "cannot \(action.rawValue) \(place): \(reason); \(Authorities.remedy)"
    case .refused(let action, let place, let refusal):
      "cannot \(action.rawValue) \(place): \(refusal)"
        + (refusal.remedy(action).map { "; \($0)" } ?? "")
    case .malformedListing(let place, let reason):
      "cannot list \(place): the answer is not a listing of S3: \(reason)"
    case .exists(let place): "\(place) exists, with other bytes"
    case .cancelled: "cancelled"
    }
  }

  /// Whether the same request may succeed a little later.
  var isPassing: Bool {
    switch self {
    case .unanswered: true
    case .refused(_, _, let refusal):
      RemoteLimits.isPassing(status: refusal.status) || Refusal.passingCodes.contains(refusal.code)
    default: false
    }
  }

  /// The fault of the one object that was to be read, if others can be read all the same.
  package var objectFault: String? {
    guard case .refused(.read, _, let refusal) = self else { return nil }
    if refusal.code == "InvalidObjectState" { return "it is archived; restore it" }
    guard refusal.status == 404, refusal.code != "NoSuchBucket" else { return nil }
    return "it was deleted after it was listed"
  }
}

extension ObjectError.Refusal: CustomStringConvertible {
  /// Codes of S3 with a status that is not passing elsewhere.
  fileprivate static let passingCodes: Set = ["RequestTimeout", "ConditionalRequestConflict"]

  package var description: String {
    (["status \(status)"] + [code, message].filter { !$0.isEmpty }).joined(separator: ", ")
  }

  fileprivate func remedy(_ action: ObjectError.Action) -> String? {
    if let region { return "the bucket is in \(region): set AWS_REGION to it" }
    switch code {
    case "NoSuchBucket": return "check the name, and AWS_ENDPOINT_URL for another provider"
    case "InvalidAccessKeyId", "SignatureDoesNotMatch":
      return "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    case "ExpiredToken", "InvalidToken": return "set fresh credentials with their AWS_SESSION_TOKEN"
    case "RequestTimeTooSkewed": return "set this machine's clock"
    default: break
    }
    guard status == 401 || status == 403 else { return nil }
    return isSigned
      ? "the credentials need \(action.right)"
      : "no credentials are set: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
  }
}
