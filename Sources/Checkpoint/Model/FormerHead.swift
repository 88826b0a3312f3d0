/// What a model answered before it was taught classes from examples: with it, another lesson begins
/// where the first one did, and neither learns nor judges examples by what was learned from them.
package struct FormerHead: Sendable, Hashable {
  /// Tensors of a model file with the rows; no parameter's name ends like these.
  static let weightName = "former.rows"
  static let biasName = "former.offsets"

  /// Number of classes that it knew, which come first; 0 if it was taught all of them.
  package var classCount: Int
  /// Classes of these whose rows the lesson has changed, ascending.
  package var changedClasses: [Int]
  /// Rows of these before, `[R, D]`, D as many as the model has features.
  package var weights: [Float]
  /// The same of the bias, `[R]`.
  package var bias: [Float]

  package init(
    classCount: Int, changedClasses: [Int] = [], weights: [Float] = [], bias: [Float] = []
  ) {
    (self.classCount, self.changedClasses) = (classCount, changedClasses)
    (self.weights, self.bias) = (weights, bias)
  }

  /// Returns why it cannot belong to a model with so many classes, or nil.
  func fault(outputCount: Int) -> String? {
    guard 0...outputCount ~= classCount else { return "former: \(classCount) classes" }
    let isAscending = zip(changedClasses, changedClasses.dropFirst()).allSatisfy { $0 < $1 }
    guard isAscending, changedClasses.allSatisfy({ 0..<classCount ~= $0 }) else {
      return "former: the changed classes are not ascending numbers below \(classCount)"
    }
    guard bias.count == changedClasses.count,
      weights.count.isMultiple(of: max(bias.count, 1)), weights.isEmpty == bias.isEmpty,
      (weights + bias).allSatisfy(\.isFinite)
    else { return "former: the rows are not finite numbers of \(changedClasses.count) classes" }
    return nil
  }
}

/// The same in a model file's document, beside its tensors.
struct FormerHeadDocument: Codable {
  var classCount: Int
  var changedClasses: [Int]

  private enum CodingKeys: String, CodingKey {
    case classCount = "class_count"
    case changedClasses = "changed_classes"
  }

  init(_ head: FormerHead) {
    (classCount, changedClasses) = (head.classCount, head.changedClasses)
  }
}

extension Model {
  /// The last linear layer as it was before the model was taught from examples, and as it is if it
  /// was not; nil as for `head`.
  ///
  /// A model that was taught all that it knows has none: no rows are returned.
  package func untaughtHead() throws -> (weights: [Float], bias: [Float])? {
    guard var (weights, bias) = try head() else { return nil }
    guard let former = formerHead else { return (weights, bias) }
    let depth = weights.count / bias.count
    guard former.weights.count == former.changedClasses.count * depth else {
      throw CheckpointError.metadata(
        reason: "former: rows of \(former.weights.count) numbers, the features are \(depth)")
    }
    bias.removeLast(bias.count - former.classCount)
    weights.removeLast(weights.count - former.classCount * depth)
    for (row, place) in former.changedClasses.enumerated() {
      bias[place] = former.bias[row]
      weights.replaceSubrange(
        place * depth..<(place + 1) * depth,
        with: former.weights[row * depth..<(row + 1) * depth])
    }
    return (weights, bias)
  }
}
