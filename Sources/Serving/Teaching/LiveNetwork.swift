import Checkpoint
import Engine
import Files
import Inference
import ModelStore
import Synchronization

/// Files of models that are live, read again for what serving does not keep: their weights.
final class LiveNetwork: Sendable {
  private let store: ModelStore?
  private let first: FirstModel?
  /// Sources of models whose files have been read.
  private let known = Mutex<[Key: ExampleSource]>([:])

  /// The last layer that was taught to the first model, and is in no file: that of a server that
  /// keeps no models.
  struct Unfiled: Sendable {
    let version: ModelVersion
    let name: String
    let weights: [Float]
    let bias: [Float]
    let contents: Model.Contents
  }

  private let unfiled = Mutex<Unfiled?>(nil)

  private struct Key: Hashable {
    let version: ModelVersion
    let precision: String
  }

  /// Models whose sources are remembered.
  private static let knownLimit = 64

  init(store: ModelStore?, first: FirstModel?) { (self.store, self.first) = (store, first) }

  /// Reads the file of a model; throws if it is not to be had any more.
  func model(
    _ live: CompiledModel, _ memory: LoadingMemory = LoadingMemory(),
    _ interruption: Interruption = Interruption()
  ) throws(CheckpointError) -> Model {
    if let path = store?.path(of: live.version) {
      var options = ModelOptions()
      (options.memory, options.interruption) = (memory, interruption)
      let model = try Model.load(path: path, options: options)
      if model.version == live.version { return model }
    }
    if let model = try first?.load() {
      if model.version == live.version { return model }
      if let head = unfiled.withLock({ $0 }), head.version == live.version,
        let taught = try? model.withHead(
          name: head.name, weights: head.weights, bias: head.bias, head.contents),
        taught.version == live.version
      {
        return taught
      }
    }
    throw .unsupported("the live model's file is not there any more, or has changed")
  }

  /// Remembers a last layer that was taught and is now live, in place of the one before.
  func remember(_ head: Unfiled) { unfiled.withLock { $0 = head } }

  /// Returns the source of a model's features, for which its file is read the first time.
  func source(
    _ live: CompiledModel, featureCount: Int, _ memory: LoadingMemory = LoadingMemory()
  ) throws -> ExampleSource {
    if let source = knownSource(live) { return source }
    return try source(of: model(live, memory), live, featureCount: featureCount)
  }

  /// The same, if the file has been read before.
  func knownSource(_ live: CompiledModel) -> ExampleSource? {
    known.withLock { $0[Key(version: live.version, precision: live.precision.rawValue)] }
  }

  func source(
    of model: Model, _ live: CompiledModel, featureCount: Int
  ) throws -> ExampleSource {
    if let source = knownSource(live) { return source }
    let network = try model.featureDigest(featureCount: featureCount)
    let text = Array("\(network.hex) \(live.precision.rawValue)".utf8)
    let source = ExampleSource(
      digest: ModelVersion(digest: try SHA256.digest(of: text)), featureCount: featureCount)
    known.withLock { known in
      if known.count >= Self.knownLimit { known = [:] }
      known[Key(version: live.version, precision: live.precision.rawValue)] = source
    }
    return source
  }
}
