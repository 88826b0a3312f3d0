/// Names of the parameters, and the check that nothing else is given.
extension ClassificationParameters {
  private static let known = KnownNames(
    names: ["top_k", "min_probability", "features"], synonyms: synonyms)
  private static let knownInJSON = KnownNames(
    names: ["image", "images"] + known.names,
    synonyms: synonyms.merging(imageSynonyms) { $1 })

  private static let synonyms: [String: String] = {
    let timeout = "the header X-Request-Timeout-Ms"
    var synonyms = [
      "timeout": timeout, "timeout_ms": timeout, "deadline": timeout,
      "priority": "the header X-Priority",
    ]
    for name in [
      "k", "n", "top", "top_n", "count", "limit", "num_results", "max_results", "num_classes",
      "max_classes", "num_predictions", "max_predictions",
    ] { synonyms[name] = "top_k" }
    for name in [
      "p", "prob", "min_prob", "probability", "threshold", "confidence", "min_confidence",
      "confidence_threshold", "min_score", "score_threshold", "cutoff",
    ] { synonyms[name] = "min_probability" }
    for name in ["embedding", "embeddings", "feature", "vector"] { synonyms[name] = "features" }
    return synonyms
  }()

  private static let imageSynonyms: [String: String] = {
    var synonyms: [String: String] = [:]
    for name in [
      "img", "picture", "photo", "file", "data", "b64", "base64", "image_base64", "image_b64",
      "image_data", "input", "content",
    ] { synonyms[name] = "image" }
    for name in [
      "imgs", "pictures", "photos", "files", "inputs", "instances", "batch", "images_base64",
    ] { synonyms[name] = "images" }
    return synonyms
  }()

  /// Returns whether it is the name of a parameter.
  static func isName(_ name: String) -> Bool { known.names.contains(name) }

  /// Throws for a name that is unknown, and for one that is given twice in the same place.
  static func checkNames(_ given: [GivenParameter]) throws(Problem) {
    var seen: Set<String> = []
    for item in given {
      guard known.names.contains(item.name) else { throw unknown(item) }
      guard seen.insert(item.name).inserted else {
        throw .parameter(
          "\(item.name) is given twice in \(item.place.name); give it once")
      }
    }
  }

  private static func unknown(_ item: GivenParameter) -> Problem {
    switch item.place {
    case .query: known.unknown(item.name, item.place.noun, "/classify takes")
    case .form: known.unknown(item.name, item.place.noun, "beside files a form takes")
    case .json: knownInJSON.unknown(item.name, item.place.noun, "the JSON takes")
    }
  }
}
