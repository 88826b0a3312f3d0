import Checkpoint
import Engine
import Glibc
import ONNX

/// Images and what another program gives for them, which a network's logits are compared with.
struct KnownOutputs {
  /// How far a network is from them, as shares of the largest known number.
  struct Distance {
    /// Largest difference of the logits.
    var logits: Float
    /// Largest difference of the softmax, if the known numbers may be one.
    var softmax: Float?
    /// Largest difference of the sigmoid of each, if the known numbers may be one.
    var sigmoid: Float?

    /// The smallest of them.
    var least: Float { distance(as: nearest) }

    /// What the known numbers are of the logits, as far as this network tells; `none` is themselves.
    var nearest: OutputRule.Activation {
      let kinds: [OutputRule.Activation] = [.none, .softmax, .sigmoid]
      return kinds.min { distance(as: $0) < distance(as: $1) } ?? OutputRule.Activation.none
    }

    func distance(as kind: OutputRule.Activation) -> Float {
      switch kind {
      case .none: logits
      case .softmax: softmax ?? .infinity
      case .sigmoid: sigmoid ?? .infinity
      }
    }
  }

  /// Difference from 1 of a sum of probabilities.
  private static let sumTolerance = 1e-3

  private let images: DenseTensor
  private let outputs: DenseTensor
  private let numbers: [Double]
  private let largest: Double
  /// Whether the known numbers may be probabilities: none is negative, and each row sums to 1.
  private let areProbabilities: Bool
  /// Whether each of the known numbers may be a probability.
  private let areShares: Bool

  var imageCount: Int { images.shape.first ?? 0 }

  init(images: DenseTensor, outputs: DenseTensor) {
    (self.images, self.outputs) = (images, outputs)
    numbers = if case .floating(let numbers) = outputs.numbers { numbers } else { [] }
    largest = numbers.reduce(0) { max($0, abs($1)) }
    areProbabilities = Self.areProbabilities(numbers, rowLength: outputs.shape.last ?? 0)
    areShares = numbers.allSatisfy { 0...1 ~= $0 }
  }

  private static func areProbabilities(_ numbers: [Double], rowLength: Int) -> Bool {
    guard rowLength > 1, numbers.count >= rowLength, numbers.allSatisfy({ $0 >= 0 }) else {
      return false
    }
    return stride(from: 0, to: numbers.count, by: rowLength).allSatisfy { start in
      abs(numbers[start..<min(start + rowLength, numbers.count)].reduce(0, +) - 1) <= sumTolerance
    }
  }

  /// Returns how far a model is from the outputs of the first image alone, which it is from all of
  /// them at least.
  func firstDistance(of model: Model) throws(Failure) -> Distance {
    let count = images.count / max(imageCount, 1)
    guard case .floating(let numbers) = images.numbers, imageCount > 1, images.shape.count == 4
    else { return try distance(of: model) }
    let first = DenseTensor(
      images.elementType, [1] + images.shape.dropFirst(), Array(numbers.prefix(count)))
    let own = try EngineRun(model, precision: .fp32, isForOne: true).logits(of: first)
    return try distance(own, shape: [imageCount] + own.shape.dropFirst())
  }

  /// Returns how far a model is from all outputs.
  func distance(of model: Model) throws(Failure) -> Distance {
    let own = try EngineRun(model, precision: .fp32, isForOne: imageCount == 1).logits(of: images)
    return try distance(own, shape: own.shape)
  }

  /// - Parameter shape: Shape of the outputs of all images.
  private func distance(_ own: DenseTensor, shape: [Int]) throws(Failure) -> Distance {
    guard case .floating(let found) = own.numbers, !numbers.isEmpty,
      outputs.count == shape.reduce(1, *), outputs.shape.first == shape.first
    else {
      throw Failure(
        "the known logits are an array of \(outputs.elementType) \(outputs.shape), those of the "
          + "network of float \(shape)")
    }
    return Distance(
      logits: difference(found),
      softmax: areProbabilities
        ? difference(Self.softmax(found, rowLength: shape.last ?? 1)) : nil,
      // A sigmoid makes numbers of infinities.
      sigmoid: areShares && found.allSatisfy(\.isFinite)
        ? difference(found.map { 1 / (1 + exp(-$0)) }) : nil)
  }

  private func difference(_ found: [Double]) -> Float {
    // The largest of numbers passes over what is none.
    guard found.allSatisfy(\.isFinite), numbers.allSatisfy(\.isFinite) else { return .infinity }
    let difference = zip(found, numbers).reduce(0) { max($0, abs($1.0 - $1.1)) }
    return difference.isFinite && largest > 0 ? Float(difference / largest) : .infinity
  }

  private static func softmax(_ logits: [Double], rowLength: Int) -> [Double] {
    stride(from: 0, to: logits.count, by: rowLength).flatMap { start in
      let row = logits[start..<start + rowLength]
      let largest = row.max() ?? 0
      let powers = row.map { exp($0 - largest) }
      let sum = powers.reduce(0, +)
      return powers.map { $0 / sum }
    }
  }
}
