import HTTPCore
import JSON

/// Language that a client speaks: how its request is read, and what its answer looks like.
enum Dialect: Sendable, Hashable {
  /// The service's own, at `/classify`.
  case classification
  /// TorchServe's, at `/predictions/{model}`.
  case prediction
  /// The Open Inference Protocol, version 2, with the bytes of the JSON at the body's start if the
  /// request gives them.
  case inference(jsonByteCount: Int?)

  /// Returns the language of a path, served or not.
  init(_ path: String) {
    self =
      path == "/v2" || path.hasPrefix("/v2/") ? .inference(jsonByteCount: nil) : .classification
  }

  /// Returns the language of a request. Throws for a length that is none.
  init(_ route: Route, _ fields: HeaderFields) throws(Problem) {
    switch route {
    case .predictions: self = .prediction
    case .infer:
      let name = "Inference-Header-Content-Length"
      guard let text = try fields.single(name) else {
        self = .inference(jsonByteCount: nil)
        return
      }
      guard let count = NumberText.wholeNumber(text) else {
        throw .parameter("\(name) is a number of bytes, not \(Quotation.value(text))")
      }
      self = .inference(jsonByteCount: count)
    default: self = .classification
    }
  }

  /// Names that the request may use.
  var names: ImageRequestNames {
    switch self {
    case .classification: .classification
    case .prediction: .prediction
    case .inference: .inference
    }
  }

  /// Returns the most images that a request may have.
  func imageCountLimit(_ limits: ServingLimits) -> Int {
    self == .prediction ? 1 : limits.imageCountLimit
  }

  /// Returns the answer to a request that failed.
  func response(to problem: Problem) -> Response {
    guard case .inference = self else { return problem.response }
    var response = problem.response
    response.fields["Content-Type"] = "application/json"
    let document: JSONValue = ["error": .string(problem.detail)]
    response.body = document.line
    return response
  }
}
