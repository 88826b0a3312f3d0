import Glibc

/// Right answers of a batch.
package enum Targets: Sendable {
  /// A class for each image.
  case classes([Int])
  /// A row of so many numbers as there are outputs for each image: shares of classes that add up to
  /// 1, as mixup makes them, or labels from 0 to 1 that are independent of each other.
  case distributions([Float])
}

/// Measure of how wrong logits are, as PyTorch defines it, in double precision.
package struct Loss: Sendable {
  package enum Kind: Sendable, Equatable {
    /// Cross entropy with the softmax; `smoothing` of each target is spread over all classes.
    case softmax(smoothing: Double)
    /// Cross entropy of each output by itself, for labels that are independent of each other.
    case binary
  }

  package var kind: Kind
  /// Factor of each class or label; nil for 1.
  package var weights: [Float]?
  /// Whether the losses of an image's independent labels are added up, which makes gradients as large
  /// as those of classes, instead of their mean being taken.
  package var sumsLabels = false

  package init(_ kind: Kind, weights: [Float]? = nil) {
    self.kind = kind
    self.weights = weights
  }

  /// Loss of a batch, and answers.
  package struct Value: Sendable, Equatable {
    /// Mean over images, and for independent labels over these too unless they are added up.
    package var loss: Double
    /// Images whose largest logit is of the target's largest class, or independent labels on the
    /// right side.
    package var correctCount: Int
    /// Answers in all: images, or labels of images.
    package var answerCount: Int
  }

  /// Computes the loss of logits `[N, K]` and its gradient.
  package func evaluate(
    _ logits: [Float], outputCount: Int, _ targets: Targets, gradient: inout [Float]
  ) throws(TrainingError) -> Value {
    let imageCount = logits.count / outputCount
    try check(imageCount, outputCount, targets)
    gradient = [Float](repeating: 0, count: logits.count)
    let divisor = divisor(imageCount, outputCount, targets)
    var value = Value(loss: 0, correctCount: 0, answerCount: 0)
    for image in 0..<imageCount {
      let row = image * outputCount..<(image + 1) * outputCount
      let target = target(of: image, outputCount, targets)
      switch kind {
      case .softmax(let smoothing):
        addSoftmax(logits[row], target, smoothing, divisor, &value, &gradient[row])
      case .binary: addBinary(logits[row], target, divisor, &value, &gradient[row])
      }
    }
    value.loss /= divisor
    return value
  }

  private func check(
    _ imageCount: Int, _ outputCount: Int, _ targets: Targets
  ) throws(TrainingError) {
    if let weights, weights.count != outputCount {
      throw .invalid("\(weights.count) weights of classes for \(outputCount) outputs")
    }
    switch targets {
    case .classes(let classes):
      guard classes.count == imageCount else {
        throw .invalid("\(classes.count) targets for \(imageCount) images")
      }
      if let wrong = classes.first(where: { !(0..<outputCount).contains($0) }) {
        throw .invalid("class \(wrong); the network has classes 0 to \(outputCount - 1)")
      }
      if kind == .binary {
        throw .invalid("independent labels need a number from 0 to 1 for each, not one class")
      }
    case .distributions(let numbers):
      guard numbers.count == imageCount * outputCount else {
        throw .invalid(
          "\(numbers.count) targets for \(imageCount) images of \(outputCount) outputs")
      }
      if let wrong = numbers.first(where: { !(0...1 ~= $0) }) {
        throw .invalid("a target is \(wrong); allowed are 0 to 1")
      }
    }
  }

  private func weight(_ output: Int) -> Double { weights.map { Double($0[output]) } ?? 1 }

  /// Number that sums over images are divided by: as in PyTorch, the weights of the classes count,
  /// but not those of distributions.
  private func divisor(_ imageCount: Int, _ outputCount: Int, _ targets: Targets) -> Double {
    switch (kind, targets) {
    case (.binary, _): Double(sumsLabels ? imageCount : imageCount * outputCount)
    case (.softmax, .classes(let classes)): classes.reduce(0) { $0 + weight($1) }
    case (.softmax, .distributions): Double(imageCount)
    }
  }

  private func target(of image: Int, _ outputCount: Int, _ targets: Targets) -> [Double] {
    switch targets {
    case .classes(let classes):
      var target = [Double](repeating: 0, count: outputCount)
      target[classes[image]] = 1
      return target
    case .distributions(let numbers):
      return numbers[image * outputCount..<(image + 1) * outputCount].map(Double.init)
    }
  }

  private func addSoftmax(
    _ logits: ArraySlice<Float>, _ target: [Double], _ smoothing: Double, _ divisor: Double,
    _ value: inout Value, _ gradient: inout ArraySlice<Float>
  ) {
    let largest = Double(logits.max() ?? 0)
    let exponentials = logits.map { exp(Double($0) - largest) }
    let total = exponentials.reduce(0, +)
    let uniform = smoothing / Double(target.count)
    let wanted = target.indices.map { weight($0) * (target[$0] * (1 - smoothing) + uniform) }
    let wantedTotal = wanted.reduce(0, +)
    for (output, index) in logits.indices.enumerated() {
      let logarithm = Double(logits[index]) - largest - log(total)
      value.loss -= wanted[output] * logarithm
      gradient[index] = Float(
        (wantedTotal * exponentials[output] / total - wanted[output]) / divisor)
    }
    value.answerCount += 1
    if Self.largestIndex(target) == Self.largestIndex(Array(logits)) { value.correctCount += 1 }
  }

  private func addBinary(
    _ logits: ArraySlice<Float>, _ target: [Double], _ divisor: Double, _ value: inout Value,
    _ gradient: inout ArraySlice<Float>
  ) {
    for (output, index) in logits.indices.enumerated() {
      let logit = Double(logits[index])
      // log(1 + exp(-|x|)) does not overflow.
      let loss = max(logit, 0) - logit * target[output] + log1p(exp(-abs(logit)))
      value.loss += weight(output) * loss
      let probability = 1 / (1 + exp(-logit))
      gradient[index] = Float(weight(output) * (probability - target[output]) / divisor)
      value.answerCount += 1
      if (logit > 0) == (target[output] > 0.5) { value.correctCount += 1 }
    }
  }

  /// The first of the largest.
  private static func largestIndex<Number: Comparable>(_ numbers: [Number]) -> Int? {
    numbers.indices.max { numbers[$0] < numbers[$1] || numbers[$0] == numbers[$1] && $0 > $1 }
  }
}
