import Imaging
import ONNX
import ResNet

extension Model {
  /// Loads a model with the given labels, name and preprocessing, else those of a `resnetd`
  /// document in the file's metadata.
  ///
  /// The document's architecture is trusted if the graph is the one that it unrolls into.
  static func loadONNX(
    _ bytes: ModelBytes, fileName: String, options: ModelOptions, path: String?
  ) throws(CheckpointError) -> Model {
    try options.interruption.check()
    if options.weights != nil { throw .oneNetwork }
    let file = try ONNXFile(bytes, besideFile: options.readsExternalData ? path : nil)
    var document: ModelDocument?
    if let json = file.model.metadata[ModelDocument.metadataKey] {
      document = try ModelDocument(json: json)
    }
    let chosen = options
    let options = chosen.completed(for: document)
    let contract = options.preprocessing ?? document?.preprocessing
    try options.interruption.check()
    let network = try ONNXNetwork(file, size: contract?.outputSize)
    // The last use of the file: its tensors go before the network's are read again.
    let isInSeveralFiles = file.isInSeveralFiles
    let outputCount: Int
    do { outputCount = try network.graph.outputShape.channels } catch {
      throw .unsupported(error.description)
    }
    var warnings = network.warnings
    var parts = LoadedParts(options, document)
    parts.usualContract = { () throws(CheckpointError) in
      try usualContract(for: network.graph.inputShape)
    }
    var contents = try parts.contents(outputCount: outputCount, &warnings)
    // A calibration in the document would belong to other nodes.
    contents.calibration = network.calibration
    var architecture = document?.architecture?.architecture
    if let described = architecture, (try? Graph(described)) != network.graph {
      architecture = nil
    }
    var model = try Model(
      checking: options.name ?? document?.name ?? name(from: fileName),
      version: try version(of: bytes, options.interruption), (architecture, network.graph),
      network.weights, contents)
    model.format = .onnx
    model.warnings = warnings
    model.assumptions = parts.assumptions
    model.isCompleted = options != chosen
    // No single file's digest covers the whole model; this is the digest of the file that a store
    // has of it.
    if isInSeveralFiles { model.version = try model.serializedVersion() }
    return model
  }

  /// Returns the usual contract of the two usual input sizes, as for models with an architecture.
  private static func usualContract(
    for input: FeatureShape
  ) throws(CheckpointError) -> Preprocessing {
    switch (input.height, input.width) {
    case (224, 224): return try contract(for: .imageNet)
    case (32, 32): return try contract(for: .cifar)
    default:
      throw .metadata(
        reason: "the network takes \(input.height)x\(input.width) pixels and the file does not say "
          + "how images are prepared (--preprocess)")
    }
  }
}
