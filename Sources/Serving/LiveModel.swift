package import Checkpoint
package import Engine
package import Imaging
import ResNet

/// A model as it serves: compiled, with what its answers need; its plain weights are let go.
package struct LiveModel: Sendable {
  /// Activations that each worker may take for batches larger than one.
  package static let batchArenaByteLimit = 8 << 20
  /// The larger batch that a small network is compiled for besides one.
  package static let largeBatch = 8

  package let name: String
  package let version: ModelVersion
  package let labels: [String]
  package let preprocessing: Preprocessing
  package let precision: Precision
  package let network: CompiledNetwork

  /// Compiles on the calling thread, for workers of one thread each.
  package init(
    _ model: Model, precision: Precision = .fp32, winograd: WinogradPolicy = .measured
  ) throws(EngineError) {
    name = model.name
    version = model.version
    labels = model.labels
    preprocessing = model.preprocessing
    var options = CompilationOptions()
    options.winograd = winograd
    options.precision = precision
    options.calibration = model.calibration
    self.precision = precision
    // A large network fills the cache with one image; a small one is mostly overhead then.
    if Self.largestFeatureByteCount(model.graph) * Self.largeBatch <= Self.batchArenaByteLimit {
      options.batchSizes = [1, Self.largeBatch]
    }
    network = try CompiledNetwork(model.graph, model.weights, options: options)
  }

  private static func largestFeatureByteCount(_ graph: Graph) -> Int {
    let shapes = (try? graph.shapes()) ?? []
    return (shapes.map(\.elementCount).max() ?? 0) * MemoryLayout<Float>.stride
  }
}
