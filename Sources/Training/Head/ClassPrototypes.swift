import Engine
import Glibc
import Numbers
import ResNet

/// Made-up features of a head's classes, for classes of which no example is left.
///
/// In a trained network the mean features of a class lie, seen from the mean of all, in the direction
/// of its row in the head (neural collapse, Papyan, Han and Donoho 2020; the cosines of the embedded
/// ResNet-20's classes are 0.73 to 0.87). So a class's prototype is
///
///     centre + length · (its row - the mean of all rows)
///
/// The centre is the point nearest to the examples' mean at which the head prefers no class, the
/// length is the one at which it answers a prototype with its class at `confidence`. Around a
/// prototype lie features that differ from it as examples differ from the mean of their class, or
/// more: images of a class that a network was trained on differ much more than ten images of one new
/// thing.
struct ClassPrototypes {
  /// Mean probability of its own class at a prototype.
  private static let confidence = 0.95
  /// Least spread around the prototypes, by their mean distance from the centre.
  ///
  /// Measured on the embedded ResNet-20: with 0, labels whose examples are all alike took up to 10 of 100
  /// images of its own classes; with 1.5 it was 3; with 2, some labels lost 7 of 100 of their images.
  private static let spreadMinimum: Float = 1.5
  /// Features that are made for a class, if there is room for so many.
  private static let countPerClass = 20
  /// Numbers of all features that are made; 64 MiB.
  private static let numberLimit = 1 << 24
  /// Classes that get features; of more, such as every second one.
  static let classLimit = 1024
  private static let centreIterationLimit = 64
  private static let lengthIterationCount = 40

  let features: FeatureMatrix
  let labels: [Int]

  /// - Parameter samples: The examples, whose spread is that of the prototypes.
  init(of head: LinearHead, like samples: HeadSamples, seed: UInt64) throws(EngineError) {
    let (depth, classCount) = (head.featureCount, head.classCount)
    let rows = CentredRows(head)
    let stride = max(1, (classCount + Self.classLimit - 1) / Self.classLimit)
    let classes = Array(Swift.stride(from: 0, to: classCount, by: stride))
    let spread = Self.spread(samples)
    let centre = try rows.centre(
      near: Self.mean(samples.features), iterationLimit: Self.centreIterationLimit)
    let length = try Self.length(head, rows, classes, centre)
    let factor = Self.enlargement(spread, rows, classes, length: length)
    let perClass = max(1, min(Self.countPerClass, Self.numberLimit / (classes.count * depth)))
    // Features after a rectifier are never negative.
    let isRectified = samples.features.values.allSatisfy { $0 >= 0 }
    let numbers = ReproducibleNumbers("prototypes \(seed)")
    var features = FeatureMatrix(columnCount: depth)
    var labels: [Int] = []
    for k in classes {
      let row = rows.values[k * depth..<(k + 1) * depth]
      for _ in 0..<perClass {
        let other = spread.row(Int(numbers.bits(labels.count) % UInt64(spread.rowCount)))
        let made = zip(zip(centre, row), other).map { point, difference in
          let value = point.0 + length * point.1 + factor * difference
          return isRectified ? max(0, value) : value
        }
        features.append(made)
        labels.append(k)
      }
    }
    (self.features, self.labels) = (features, labels)
  }

  private static func mean(_ features: FeatureMatrix) -> [Float] {
    var sums = [Double](repeating: 0, count: features.columnCount)
    for index in 0..<features.rowCount {
      for (column, value) in features.row(index).enumerated() { sums[column] += Double(value) }
    }
    return sums.map { Float($0 / Double(max(1, features.rowCount))) }
  }

  /// Returns the differences of the examples from the means of their classes, enlarged by what a
  /// mean of few takes from them.
  private static func spread(_ samples: HeadSamples) -> FeatureMatrix {
    var rowsOfClass: [Int: [Int]] = [:]
    for (row, label) in samples.labels.enumerated() { rowsOfClass[label, default: []].append(row) }
    var result = FeatureMatrix(columnCount: samples.features.columnCount)
    for (_, rows) in rowsOfClass.sorted(by: { $0.key < $1.key }) {
      let own = samples.features.rows(rows)
      let mean = mean(own)
      let count = Float(rows.count)
      let factor = rows.count > 1 ? (count / (count - 1)).squareRoot() : 0
      for row in 0..<own.rowCount {
        result.append(zip(own.row(row), mean).map { ($0 - $1) * factor })
      }
    }
    return result
  }

  /// Returns the factor by which the differences are enlarged, 1 or more.
  private static func enlargement(
    _ spread: FeatureMatrix, _ rows: CentredRows, _ classes: [Int], length: Float
  ) -> Float {
    let depth = spread.columnCount
    func norm(_ row: ArraySlice<Float>) -> Float { row.reduce(0) { $0 + $1 * $1 }.squareRoot() }
    let distance =
      classes.reduce(0) { $0 + norm(rows.values[$1 * depth..<($1 + 1) * depth]) } * length
      / Float(classes.count)
    let square = spread.values.reduce(0) { $0 + $1 * $1 } / Float(spread.rowCount)
    return square > 0 ? max(1, spreadMinimum * distance / square.squareRoot()) : 1
  }

  /// Finds the length at which the head is as sure of the prototypes as it should be.
  private static func length(
    _ head: LinearHead, _ rows: CentredRows, _ classes: [Int], _ centre: [Float]
  ) throws(EngineError) -> Float {
    let depth = head.featureCount
    let base = try head.logits(FeatureMatrix(columnCount: depth, values: centre))
    var directions = FeatureMatrix(columnCount: depth)
    for k in classes { directions.append(rows.values[k * depth..<(k + 1) * depth]) }
    let plain = LinearHead(
      featureCount: depth, weights: head.weights,
      bias: [Float](repeating: 0, count: head.classCount))
    let slopes = try plain.logits(directions)
    func confidence(_ length: Double) -> Double {
      var sum = 0.0
      for (place, k) in classes.enumerated() {
        let slope = slopes[place * head.classCount..<(place + 1) * head.classCount]
        let own = Double(base[k]) + length * Double(slope[slope.startIndex + k])
        var total = 0.0
        for (offset, value) in zip(base, slope) {
          total += exp(min(700, Double(offset) + length * Double(value) - own))
        }
        sum += 1 / total
      }
      return sum / Double(classes.count)
    }
    var (low, high) = (0.0, 1.0)
    while confidence(high) < Self.confidence, high < 1e6 { high *= 2 }
    for _ in 0..<lengthIterationCount {
      let middle = (low + high) / 2
      if confidence(middle) < Self.confidence { low = middle } else { high = middle }
    }
    return Float(high)
  }
}

/// Rows of a head without the mean of all of them, which changes no probability.
private struct CentredRows {
  /// Row-major `[K, D]`.
  let values: [Float]
  private let bias: [Float]
  private let depth: Int

  init(_ head: LinearHead) {
    let depth = head.featureCount
    self.depth = depth
    var mean = [Double](repeating: 0, count: depth)
    for (index, value) in head.weights.enumerated() { mean[index % depth] += Double(value) }
    let count = Double(head.classCount)
    values = head.weights.enumerated().map { index, value in
      Float(Double(value) - mean[index % depth] / count)
    }
    let biasMean = head.bias.reduce(0.0) { $0 + Double($1) } / count
    bias = head.bias.map { Float(Double($0) - biasMean) }
  }

  /// Returns the point nearest to `point` at which all logits are as equal as they can be: least
  /// squares by conjugate gradients from 0 on (CGLS), whose solution is the shortest one.
  func centre(near point: [Float], iterationLimit: Int) throws(EngineError) -> [Float] {
    var residual = try times(point).enumerated().map { -($1 + bias[$0]) }
    var change = [Float](repeating: 0, count: depth)
    var gradient = try transposedTimes(residual)
    var direction = gradient
    var square = Self.square(gradient)
    let end = square * 1e-10
    for _ in 0..<iterationLimit where square > end && square > 0 {
      let image = try times(direction)
      let length = square / Self.square(image)
      guard length.isFinite else { break }
      for index in change.indices { change[index] += Float(length) * direction[index] }
      for index in residual.indices { residual[index] -= Float(length) * image[index] }
      gradient = try transposedTimes(residual)
      let next = Self.square(gradient)
      let share = Float(next / square)
      direction = zip(gradient, direction).map { $0 + share * $1 }
      square = next
    }
    return zip(point, change).map { $0 + $1 }
  }

  private func times(_ vector: [Float]) throws(EngineError) -> [Float] {
    let product = MatrixProduct(rows: bias.count, columns: 1, depth: depth)
    var result = [Float](repeating: 0, count: bias.count)
    var span = result.mutableSpan
    try product.multiply(values.span, vector.span, into: &span)
    return result
  }

  private func transposedTimes(_ vector: [Float]) throws(EngineError) -> [Float] {
    let product = MatrixProduct(rows: 1, columns: depth, depth: bias.count)
    var result = [Float](repeating: 0, count: depth)
    var span = result.mutableSpan
    try product.multiply(vector.span, values.span, into: &span)
    return result
  }

  private static func square(_ vector: [Float]) -> Double {
    vector.reduce(0) { $0 + Double($1) * Double($1) }
  }
}
