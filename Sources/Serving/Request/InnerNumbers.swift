import Inference

/// Numbers that a request wants of each image beside its classes.
struct InnerNumbers {
  private let parts: [(name: String, count: Int)]

  init(_ parameters: ClassificationParameters, _ model: CompiledModel) {
    var parts: [(String, Int)] = []
    if parameters.wantsFeatures, case .success(let count) = model.featureCount {
      parts.append(("features=1", count))
    }
    if parameters.explanation == .cam, case .success(let activation) = model.classActivation {
      parts.append(
        ("explain=cam", parameters.answeredCount(of: model) * activation.pixelCount))
    }
    self.parts = parts
  }

  /// Count for one image.
  var count: Int { parts.reduce(0) { $0 + $1.count } }

  /// Returns the problem of an answer that would be too long.
  func tooMany(of imageCount: Int, limit: Int) -> Problem {
    let names = parts.map(\.name).joined(separator: " and ")
    let most = limit / count
    let remedy =
      most > 0
      ? "a request may have \(most) image\(most == 1 ? "" : "s") of this model"
      : "an answer has \(limit) at most; a smaller top_k gives fewer maps"
    return Problem(
      413, .tooManyImages,
      "\(imageCount) image\(imageCount == 1 ? "" : "s") with \(count) numbers each; with "
        + "\(names), \(remedy)")
  }
}
