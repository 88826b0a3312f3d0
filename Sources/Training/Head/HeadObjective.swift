package import Engine
import Glibc
import Inference

/// Loss of a head over labelled features, and its gradient: the mean cross entropy, each row with a
/// weight, plus `regularization / 2` times the sum of the squared weights (the bias is free). Of
/// independent labels, a row's cross entropy is the sum of theirs.
///
///     features [N, D] ── layer, rectifier ──> hidden [N, H] ── layer ──> logits [N, K]
///            └───────────────────── layer ───────────────────────────────┘
///
/// Rows are cut into a fixed number of lanes, whatever the number of threads, and the lanes' sums
/// are added in order: the result has the same bits on any number of threads.
package struct HeadObjective: Sendable {
  package struct Terms: Sendable {
    package var regularization: Double
    /// Share of the target that is spread evenly over all classes, 0 to below 1 (Szegedy et al. 2016).
    package var smoothing = 0.0

    package init(regularization: Double, smoothing: Double = 0) {
      (self.regularization, self.smoothing) = (regularization, smoothing)
    }
  }

  /// Lanes, and so threads that can have work.
  private static let laneCount = 8
  /// Rows that are multiplied at once, so that their features are read from the cache for the
  /// gradient.
  private static let blockRowCount = 512
  /// Rows of a batch below which a lane is not worth its sums.
  private static let laneRowMinimum = 128
  /// Multiply-adds below which threads cost more than they save.
  private static let parallelWork = 1 << 22

  private struct Sums {
    var loss = 0.0
    /// Of each layer, shaped as its weights and its bias.
    var gradients: [[Float]] = []
    var biasGradients: [[Double]] = []
  }

  let features: FeatureMatrix
  private let labels: [Int]
  private let targets: [Float]?
  private let rowWeights: [Double]
  private let weightSum: Double
  private let classCount: Int
  private let threads: Int

  /// - Parameters:
  ///   - targets: Independent labels, row-major `[N, K]`, in place of the classes in `labels`.
  ///   - classWeights: Weight of each class's rows; nil for 1 each.
  package init(
    _ features: FeatureMatrix, labels: [Int], targets: [Float]? = nil, classCount: Int,
    classWeights: [Double]?, threads: Int
  ) {
    precondition(labels.count == features.rowCount, "each row must have a label")
    self.targets = targets
    (self.features, self.labels, self.classCount) = (features, labels, classCount)
    rowWeights = labels.map { classWeights?[$0] ?? 1 }
    weightSum = rowWeights.reduce(0, +)
    self.threads = max(1, min(threads, Self.laneCount))
  }

  /// Returns value and gradient at these parameters; both rounded to fp32 inside.
  package func evaluate(
    _ parameters: HeadParameters, _ terms: Terms
  ) throws(EngineError) -> LBFGS.Evaluation {
    try evaluate(
      parameters, terms, .range(0..<features.rowCount), laneCount: Self.laneCount)
  }

  /// Returns an estimate of value and gradient by some rows alone, whose mean over all choices is
  /// that of all rows.
  package func evaluate(
    _ parameters: HeadParameters, _ terms: Terms, rows: ArraySlice<Int>
  ) throws(EngineError) -> LBFGS.Evaluation {
    try evaluate(
      parameters, terms, .chosen(rows),
      laneCount: max(1, min(Self.laneCount, rows.count / Self.laneRowMinimum)))
  }

  private func evaluate(
    _ parameters: HeadParameters, _ terms: Terms, _ rows: HeadRows, laneCount: Int
  ) throws(EngineError) -> LBFGS.Evaluation {
    let layers = parameters.layers.map { layer in
      LinearHead(
        featureCount: layer.inputCount, weights: parameters.values[layer.weights].map { Float($0) },
        bias: parameters.values[layer.bias].map { Float($0) })
    }
    let count = rows.count
    let work = 2 * count * parameters.weightCount
    // Each of the rows stands for so many of all.
    let factor = Double(features.rowCount) / Double(max(1, count)) / weightSum
    let lanes = WorkerThread.parts(
      laneCount, threads: work < Self.parallelWork ? 1 : threads
    ) { [self] lane, _ in
      Result { () throws(EngineError) in
        let places = count * lane / laneCount..<count * (lane + 1) / laneCount
        return try sums(over: rows.part(places), layers, terms, factor)
      }
    }
    var result = LBFGS.Evaluation(
      value: 0, gradient: [Double](repeating: 0, count: parameters.values.count))
    for lane in lanes {
      let sums = try lane.get()
      result.value += sums.loss
      for (number, layer) in parameters.layers.enumerated() {
        for (index, value) in zip(layer.weights, sums.gradients[number]) {
          result.gradient[index] += Double(value)
        }
        for (index, value) in zip(layer.bias, sums.biasGradients[number]) {
          result.gradient[index] += value
        }
      }
    }
    var squares = 0.0
    for index in 0..<parameters.weightCount {
      let weight = parameters.values[index]
      squares += weight * weight
      result.gradient[index] += terms.regularization * weight
    }
    result.value += terms.regularization / 2 * squares
    return result
  }

  private func sums(
    over all: HeadRows, _ layers: [LinearHead], _ terms: Terms, _ factor: Double
  ) throws(EngineError) -> Sums {
    var sums = Sums()
    sums.gradients = layers.map { [Float](repeating: 0, count: $0.weights.count) }
    sums.biasGradients = layers.map { [Double](repeating: 0, count: $0.bias.count) }
    for start in stride(from: 0, to: all.count, by: Self.blockRowCount) {
      let rows = all.part(start..<min(start + Self.blockRowCount, all.count))
      try features.withRows(rows) { block throws(EngineError) in
        try add(rows, block, layers, terms, factor, to: &sums)
      }
    }
    return sums
  }

  /// Adds what some rows give, whose features are `block`.
  private func add(
    _ rows: HeadRows, _ block: Span<Float>, _ layers: [LinearHead], _ terms: Terms,
    _ factor: Double, to sums: inout Sums
  ) throws(EngineError) {
    let last = layers.count - 1
    var hidden: [Float] = []
    if last > 0 {
      hidden = try layers[0].outputs(block)
      for index in hidden.indices { hidden[index] = max(hidden[index], 0) }
    }
    // Logits, then their gradients.
    var numbers: [Float]
    if last > 0 {
      numbers = try layers[last].outputs(hidden.span)
    } else {
      numbers = try layers[last].outputs(block)
    }
    var span = numbers.mutableSpan
    for place in 0..<rows.count {
      let (row, start) = (rows.row(at: place), place * classCount)
      sums.loss +=
        targets == nil
        ? replace(&span, at: start, row, terms.smoothing, factor, &sums.biasGradients[last])
        : replaceLabels(&span, at: start, row, factor, &sums.biasGradients[last])
    }
    guard last > 0 else {
      return try layers[last].addGradient(numbers.span, block, to: &sums.gradients[last])
    }
    try layers[last].addGradient(numbers.span, hidden.span, to: &sums.gradients[last])
    var slopes = try layers[last].inputGradients(numbers.span)
    let count = layers[0].classCount
    for index in slopes.indices {
      if hidden[index] <= 0 { slopes[index] = 0 }
      sums.biasGradients[0][index % count] += Double(slopes[index])
    }
    try layers[0].addGradient(slopes.span, block, to: &sums.gradients[0])
  }

  /// Puts the gradients in the place of a row's logits, and returns the row's part of the loss.
  private func replace(
    _ numbers: inout MutableSpan<Float>, at start: Int, _ row: Int, _ smoothing: Double,
    _ factor: Double, _ biasGradient: inout [Double]
  ) -> Double {
    let share = rowWeights[row] * factor
    let label = labels[row]
    var largest = -Float.infinity
    for k in 0..<classCount { largest = max(largest, numbers[start + k]) }
    var (sum, total) = (0.0, 0.0)
    for k in 0..<classCount {
      let difference = Double(numbers[start + k] - largest)
      sum += exp(difference)
      total += difference
    }
    let own = Double(numbers[start + label] - largest)
    let spread = smoothing / Double(classCount)
    let logSum = log(sum)
    for k in 0..<classCount {
      let target = (k == label ? 1 - smoothing : 0) + spread
      let probability = exp(Double(numbers[start + k] - largest)) / sum
      let gradient = share * (probability - target)
      biasGradient[k] += gradient
      numbers[start + k] = Float(gradient)
    }
    return share * (logSum - (1 - smoothing) * own - spread * total)
  }

  /// The same for independent labels.
  private func replaceLabels(
    _ numbers: inout MutableSpan<Float>, at start: Int, _ row: Int, _ factor: Double,
    _ biasGradient: inout [Double]
  ) -> Double {
    guard let targets else { return 0 }
    var loss = 0.0
    for k in 0..<classCount {
      let target = Double(targets[row * classCount + k])
      let found = LogisticLoss.of(Double(numbers[start + k]), target: target)
      let gradient = (found.probability - target) * factor
      loss += found.loss * factor
      biasGradient[k] += gradient
      numbers[start + k] = Float(gradient)
    }
    return loss
  }
}
