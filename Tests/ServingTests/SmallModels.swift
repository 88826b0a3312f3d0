import Checkpoint
import Classifying
import Engine
import Foundation
import Imaging
import Inference
import ResNet
import Serving
import Testing

/// Quick networks with made-up weights whose answers tell them apart.
enum SmallModels {
  /// Returns a model whose labels are the mark with the class's number, so that they name it.
  ///
  /// - Parameter name: Name if it is not the mark: another version with the same labels.
  static func model(
    _ mark: String, name: String? = nil, classCount: Int = 10, scale: Float = 1,
    samples: [GoldenSample] = [], calibration: Calibration? = nil,
    policies: ImagePolicies = ImagePolicies(), output: OutputRule = OutputRule(),
    labels: [String]? = nil
  ) throws -> Model {
    let architecture = try #require(Architecture.cifar(depth: 8, classCount: classCount))
    var weights = try Weights.random(for: Graph(architecture))
    let layer = "fc.weight"
    let linear = try #require(weights[layer])
    weights[layer] = Tensor(
      shape: linear.shape,
      storage: linear.values.map { $0 * scale })
    return try Model(
      name: name ?? mark, architecture: architecture, weights: weights,
      Model.Contents(
        labels: labels ?? (0..<classCount).map { "\(mark)\($0)" },
        preprocessing: Preprocessing(
          resize: .exact(height: 32, width: 32, filter: .bilinear), crop: .none,
          mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25], policies: policies),
        output: output, calibration: calibration, goldenSamples: samples))
  }

  /// Returns a model of two bands.
  static func bands(_ mark: String, scale: Float = 1) throws -> Model {
    var graph = Graph(input: FeatureShape(channels: 2, height: 16, width: 16))
    for (name, operation) in [
      ("conv1", Operation.convolution(Convolution(outputChannels: 4, kernel: Extent(3)))),
      ("pool", .globalAveragePool), ("fc", .linear(Linear(outputs: 3))),
    ] {
      graph.append(
        Graph.Node(name: name, operation: operation, inputs: [graph.nodes.count - 1]))
    }
    var weights = try Weights.random(for: graph)
    let linear = try #require(weights["fc.weight"])
    weights["fc.weight"] = Tensor(
      shape: linear.shape, storage: linear.values.map { $0 * scale })
    return try Model(
      name: mark, graph: graph, weights: weights,
      Model.Contents(
        labels: (0..<3).map { "\(mark)\($0)" },
        preprocessing: Preprocessing(
          resize: .exact(height: 16, width: 16, filter: .bilinear), crop: .none,
          channelOrder: .bands, mean: [900, 1200], std: [300, 400], range: .word,
          policies: .forBands)))
  }

  /// Returns a model that passes its own golden samples, but gives infinite logits for one image,
  /// `trigger`.
  ///
  /// Its first class weighs all features alike, so heavily that the sum overflows for the image
  /// in which it is largest.
  static func overflowing(
    _ mark: String, name: String
  ) throws -> (model: Model, trigger: [UInt8]) {
    func model(weight: Float, samples: [GoldenSample] = []) throws -> Model {
      let plain = try self.model(mark)
      var weights = plain.weights
      let linear = try #require(weights["fc.weight"])
      let featureCount = linear.shape[1]
      weights["fc.weight"] = Tensor(
        shape: linear.shape,
        storage: linear.values.enumerated().map { $0.offset < featureCount ? weight : $0.element })
      return try Model(
        name: name, architecture: #require(Architecture.cifar(depth: 8, classCount: 10)),
        weights: weights,
        Model.Contents(
          labels: plain.labels, preprocessing: plain.preprocessing,
          goldenSamples: samples))
    }
    func sampled(_ model: Model) throws -> [GoldenSample] {
      let classifier = try Classifier(CompiledModel(model), limits: ServingLimits().decoding)
      return try Model.embedded(.cifar10).goldenSamples.map { sample in
        GoldenSample(
          encodedImage: sample.encodedImage,
          logits: try classifier.logits(sample.encodedImage))
      }
    }
    let sums = try sampled(model(weight: 1)).sorted { $0.logits[0] < $1.logits[0] }
    let (below, above) = (sums[sums.count - 2].logits[0], sums[sums.count - 1].logits[0])
    try #require(below > 1 && above / below > 1.001)
    let weight = Float.greatestFiniteMagnitude / (below * above).squareRoot()
    let samples = try sampled(model(weight: weight)).filter { $0.logits.allSatisfy(\.isFinite) }
    try #require(samples.count == sums.count - 1)
    return (try model(weight: weight, samples: samples), sums[sums.count - 1].encodedImage)
  }

  static func live(
    _ mark: String, name: String? = nil, classCount: Int = 10, scale: Float = 1,
    plan: CPUPlan = CPUPlan(workers: 2, threads: 2, maxBatch: 4)
  ) throws -> CompiledModel {
    try CompiledModel(
      model(mark, name: name, classCount: classCount, scale: scale), plan: plan)
  }
}

/// Waits until another thread brings something about; false after a time far beyond any that it
/// takes.
func eventually(_ condition: () -> Bool) -> Bool {
  let end = ContinuousClock.now + .seconds(60)
  while !condition() {
    guard .now < end else { return false }
    sched_yield()
  }
  return true
}
