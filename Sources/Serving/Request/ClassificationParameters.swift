import Checkpoint
package import HTTPCore
import Inference

/// Parameters that a client gives to a classification besides its images.
package struct ClassificationParameters: Sendable, Hashable {
  package static let defaultTopK = 5

  /// Number of classes to return, or nil for the default, which the number of classes bounds.
  package var topK: Int?
  /// Probability below which a class is left out, or nil for none.
  package var minimumProbability: Float?
  /// Whether the features of each image are wanted beside its classes.
  package var wantsFeatures = false
  /// Timeout from `X-Request-Timeout-Ms`.
  package var timeout: Duration?
  /// Priority from `X-Priority`.
  package var priority = Priority.normal
  /// Choice between the live model and a canary, from `X-Resnetd-Canary`.
  var canary = CanaryChoice.share

  package init() {}

  /// Throws for a known parameter that is repeated or out of range; unknown ones are ignored.
  ///
  /// - Parameter classCount: Number of classes of the model that will probably answer such a
  ///   choice.
  package init(_ head: RequestHead, classCount: (CanaryChoice) -> Int) throws(Problem) {
    canary = try CanaryChoice(head.fields)
    let classCount = classCount(canary)
    let known = head.target.query.filter {
      ["top_k", "min_probability", "features"].contains($0.name)
    }
    guard Set(known.map(\.name)).count == known.count else {
      throw .parameter("a query parameter is given more than once")
    }
    for item in known {
      if item.name == "features" {
        guard ["0", "1"].contains(item.value) else {
          throw .parameter("features must be 1, for the features of each image, or 0")
        }
        wantsFeatures = item.value == "1"
      } else if item.name == "top_k" {
        guard let count = NumberText.wholeNumber(item.value), 1...classCount ~= count else {
          throw Self.topK(classCount)
        }
        topK = count
      } else {
        guard let minimum = NumberText.value(item.value, as: Float.self), 0...1 ~= minimum else {
          throw .parameter("min_probability must be a decimal number from 0 to 1")
        }
        minimumProbability = minimum
      }
    }
    priority = Priority(head.fields["X-Priority"])
    if let text = head.fields["X-Request-Timeout-Ms"] {
      guard let milliseconds = NumberText.wholeNumber(text), 1...3_600_000 ~= milliseconds else {
        throw .parameter("X-Request-Timeout-Ms must be a whole number from 1 to 3600000")
      }
      timeout = .milliseconds(milliseconds)
    }
  }

  /// Throws unless a model can answer them.
  func check(_ model: CompiledModel) throws(Problem) {
    if let topK, topK > model.labels.count { throw Self.topK(model.labels.count) }
    if minimumProbability != nil, !model.output.givesProbabilities {
      throw .parameter(
        "min_probability does not apply: the model's outputs are scores, not probabilities; leave it out"
      )
    }
    if wantsFeatures, case .failure(let fault) = model.featureCount {
      throw .parameter("features=1 does not apply: \(fault); leave it out")
    }
  }

  private static func topK(_ classCount: Int) -> Problem {
    .parameter("top_k must be a whole number from 1 to \(classCount)")
  }
}
