import Checkpoint
import Engine
import Foundation
import Imaging
import ResNet
import Serving
import Testing

/// Quick networks with made-up weights whose answers tell them apart.
enum SmallModels {
  /// Labels are the mark with the class's number, so they name the model that answers.
  ///
  /// - Parameter name: Where it is not to be the mark: another version with the same labels.
  static func model(
    _ mark: String, name: String? = nil, classCount: Int = 10, scale: Float = 1,
    samples: [GoldenSample] = [], calibration: Calibration? = nil
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
      labels: (0..<classCount).map { "\(mark)\($0)" },
      preprocessing: .cifar10(mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25]),
      calibration: calibration, goldenSamples: samples)
  }

  static func live(
    _ mark: String, name: String? = nil, classCount: Int = 10, scale: Float = 1,
    plan: CPUPlan = CPUPlan(workers: 2, threads: 2, maxBatch: 4)
  ) throws -> LiveModel {
    try LiveModel(
      model(mark, name: name, classCount: classCount, scale: scale), plan: plan)
  }
}

/// Waits for another thread to bring something about; false after a time far beyond any that it takes.
func eventually(_ condition: () -> Bool) -> Bool {
  let end = ContinuousClock.now + .seconds(60)
  while !condition() {
    guard .now < end else { return false }
    sched_yield()
  }
  return true
}
