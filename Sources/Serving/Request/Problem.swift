package import Decoding
package import HTTPCore
package import Imaging
import JSON

/// Reason why a request is not answered with predictions, as its client sees it.
///
/// The one place that maps causes to a status and public words. `type` is stable: clients may
/// switch on it.
package struct Problem: Error, Sendable, Hashable {
  package var status: Int
  package var kind: ProblemKind
  package var detail: String
  package var retryAfterSeconds: Int?
  package var allow: String?
  /// Content codings that are accepted, if another was sent.
  package var acceptEncoding: String?
  /// Way to show who asks, if that is missing (RFC 9110, section 11.6.1).
  package var challenge: String?
  /// Step at which a swap failed: an extension member of the document.
  package var step: String?
  /// Whether the client may not be here; the connection then ends.
  package var isRefusal = false

  package init(
    _ status: Int, _ kind: ProblemKind, _ detail: String, retryAfterSeconds: Int? = nil,
    allow: String? = nil, isRefusal: Bool = false
  ) {
    self.status = status
    self.kind = kind
    self.detail = detail
    self.retryAfterSeconds = retryAfterSeconds
    self.allow = allow
    self.isRefusal = isRefusal
  }

  package init(_ error: ImagingError) {
    switch error {
    case .unsupportedFormat, .unsupportedFeature:
      self.init(415, .unsupportedImage, error.description)
    case .corrupt: self.init(400, .corruptImage, error.description)
    case .truncated: self.init(400, .truncatedImage, error.description)
    case .pixelCount, .decodedByteCount: self.init(413, .imageTooLarge, error.description)
    case .refusedByContract, .channels: self.init(415, .refusedImage, error.description)
    case .invalidContract: self.init(500, .internalError, "the model cannot be used")
    case .outOfMemory:
      self.init(503, .overloaded, "not enough memory at the moment", retryAfterSeconds: 1)
    }
  }

  package init(_ failure: ParseFailure) {
    self.init(
      failure.status, failure.kind, failure.detail, retryAfterSeconds: failure.retryAfterSeconds)
  }

  static func notFound(_ path: String) -> Problem {
    let hint = hints.first { path == $0.path || path.hasPrefix($0.path + "/") }?.hint
    return Problem(
      404, .notFound, "there is nothing at \(path); \(hint ?? "POST images to /classify")")
  }

  /// What was probably meant by paths that are not served, those of other servers among them.
  private static let hints: [(path: String, hint: String)] = [
    // curl's -T appends the file's name to an address that ends in a slash.
    ("/classify", "send images to /classify, without a slash after it"),
    ("/admin", "the admin endpoint has a port of its own (--admin-port)"),
    ("/health", "probes are /livez, /readyz and /startupz"),
    ("/status", "probes are /livez, /readyz and /startupz"),
    ("/docs", "/openapi.json describes what is here"),
    ("/swagger", "/openapi.json describes what is here"),
    (
      "/v1",
      "POST images to /classify, or tensors to /v2/models/NAME/infer; GET /model for the model"
    ),
    ("/v2/models", "GET /model for the live model, then /v2/models/NAME"),
    ("/v2", "/openapi.json lists the paths of the Open Inference Protocol"),
    ("/models", "GET /model for the live model"),
    ("/predictions", "POST an image to /predictions/NAME, or to /classify"),
  ]

  /// Returns the problem of a method that a path does not allow.
  ///
  /// - Parameter example: How the path is asked.
  static func method(
    _ method: String, _ path: String, allow: [String], example: String? = nil
  ) -> Problem {
    guard Method.isKnown(method) else { return methodUnknown(method) }
    let names = KnownNames(names: allow).list
    return Problem(
      405, .methodNotAllowed,
      "\(method) is not allowed at \(path), which takes \(names)"
        + (example.map { "; for example \($0)" } ?? ""),
      allow: allow.joined(separator: ", "))
  }

  static func parameter(_ detail: String) -> Problem { Problem(400, .invalidParameter, detail) }

  static func body(_ detail: String) -> Problem { Problem(400, .malformedBody, detail) }

  /// Returns the problem of a method that no resource here knows (RFC 9110, section 15.6.2).
  static func methodUnknown(_ method: String) -> Problem {
    Problem(501, .methodUnknown, "this server does not know the method \(method)")
  }

  /// Problem of numbers that the network makes infinite ones of.
  static let overflowing = body(
    "the numbers of input are too large: the network's outputs are not finite; give them as the "
      + "model's preprocessing does")

  static func tooManyImages(limit: Int) -> Problem {
    Problem(413, .tooManyImages, "more than \(limit) images in one request")
  }

  /// Returns the problem of an answer with too many classes.
  static func tooManyClasses(of imageCount: Int, each count: Int, limit: Int) -> Problem {
    Problem(
      413, .tooManyImages,
      "\(imageCount) image\(imageCount == 1 ? "" : "s") with \(count) classes each; the answer to a "
        + "request has \(limit) at most: give a smaller top_k, or fewer images")
  }

  static func tooManyPixels(limit: Int) -> Problem {
    Problem(
      413, .tooManyPixels,
      "the request's images up to this one have more than \(limit) pixels together")
  }

  /// Seconds after which a client should come back if its request does not fit into memory now.
  static let memoryRetryAfterSeconds = 1

  /// Problem of memory that others hold now.
  static let overloaded = Problem(
    503, .overloaded, "the server has no memory left for this at the moment; try again later",
    retryAfterSeconds: memoryRetryAfterSeconds)

  static let deadline = Problem(504, .deadline, "the deadline passed before an answer")

  static let internalError = Problem(
    500, .internalError, "the server failed; its log says more under this request's id")

  /// The document of RFC 9457, section 3.1.
  var json: JSONValue {
    var document: JSONObject = [
      "type": .string(kind.type), "title": .string(Response.reason(status)),
      "status": .integer(status), "detail": .string(detail),
    ]
    if let step { document.append("step", .string(step)) }
    return .object(document)
  }

  package var response: Response {
    var response = Response(
      status: status, contentType: "application/problem+json", body: json.line)
    response.notes.problem = kind
    if let retryAfterSeconds { response.fields["Retry-After"] = String(retryAfterSeconds) }
    if let allow { response.fields["Allow"] = allow }
    if let challenge { response.fields["WWW-Authenticate"] = challenge }
    if let acceptEncoding { response.fields["Accept-Encoding"] = acceptEncoding }
    return response
  }
}

extension Problem {
  package init(_ failure: DecodingFailure) {
    switch failure {
    case .image(let error): self.init(error)
    case .deadline: self = .deadline
    case .crashed: self.init(400, .corruptImage, failure.description)
    case .tooLarge, .tooSlow, .outgrown: self.init(413, .imageTooLarge, failure.description)
    case .noRoom: self.init(503, .overloaded, failure.description, retryAfterSeconds: 1)
    // The reason is for the log.
    case .unavailable:
      self.init(
        503, .unavailable, "images cannot be decoded at the moment", retryAfterSeconds: 1)
    }
  }
}

extension Response {
  /// Answers OPTIONS with the methods that are possible here (RFC 9110, section 9.3.7).
  static func options(_ methods: [String]) -> Response {
    Response(status: 204, fields: HeaderFields([("Allow", methods.joined(separator: ", "))]))
  }
}

/// Methods of HTTP.
enum Method {
  /// Methods of RFC 9110, section 9.3, of RFC 5789, and QUERY of the HTTP working group.
  private static let known: Set = [
    "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY",
  ]

  /// Returns whether HTTP has the method, so that the answer is 405 and not 501.
  static func isKnown(_ method: String) -> Bool { known.contains(method) }
}
