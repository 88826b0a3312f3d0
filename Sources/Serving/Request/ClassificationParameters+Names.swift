/// What other services call the parameters.
extension ClassificationParameters {
  static let synonyms: [String: String] = {
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
    for name in [
      "cam", "gradcam", "grad_cam", "explanation", "heatmap", "saliency", "attribution",
      "attributions",
    ] { synonyms[name] = "explain" }
    for name in ["embedding", "embeddings", "feature", "vector"] { synonyms[name] = "features" }
    return synonyms
  }()

  /// Throws for a name that is unknown, and for one that is given twice in the same place.
  static func checkNames(_ given: [GivenParameter]) throws(Problem) {
    try ImageRequestNames.classification.check(given)
  }
}
