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
    if !options.variant.isEmpty { throw .statedVariant }
    // The parser's copy, which goes before the weights are packed.
    try options.memory.borrow(bytes.count)
    let file = try ONNXFile(bytes, besideFile: options.readsExternalData ? path : nil)
    var document: ModelDocument?
    if let json = file.model.metadata[ModelDocument.metadataKey] {
      document = try ModelDocument(json: json)
    }
    let chosen = options
    var options = chosen.completed(for: document)
    let isCompleted = options != chosen
    let contract = options.preprocessing ?? document?.preprocessing
    try options.interruption.check()
    let images = contract.map { contract in
      let (height, width) = contract.outputSize
      return FeatureShape(channels: contract.channelCount, height: height, width: width)
    }
    let network = try ONNXNetwork(
      file, images: images, outputName: options.outputName, memory: options.memory)
    // The last use of the file: its tensors go before the network's are read again.
    let isInSeveralFiles = file.isInSeveralFiles
    let outputCount: Int
    do { outputCount = try network.graph.outputShape.channels } catch {
      throw .unsupported(error.description)
    }
    var warnings = [options.labelsNote].compactMap(\.self) + network.warnings
    if document == nil { options.take(network.labels, outputCount, warnings: &warnings) }
    var parts = LoadedParts(options, document)
    parts.ending = network.ending
    var contents = try parts.contents(outputCount: outputCount, &warnings) {
      () throws(CheckpointError) in try usualContract(for: network)
    }
    // A calibration in the document would belong to other nodes.
    contents.calibration = network.calibration
    warnings += try inputWarnings(network, contents.preprocessing)
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
    model.assumesActivation = parts.assumesActivation
    model.isCompleted = isCompleted
    // No single file's digest covers the whole model; this is the digest of the file that a store
    // has of it.
    if isInSeveralFiles { model.version = try model.serializedVersion() }
    return model
  }

  private static let byteRemedy =
    "give a contract with range 255, every mean 0 and every std 1 (--preprocess)"

  /// Checks a contract against what the graph does with the images first.
  private static func inputWarnings(
    _ network: ONNXNetwork, _ contract: Preprocessing
  ) throws(CheckpointError) -> [String] {
    let isPlain = contract.mean.allSatisfy { $0 == 0 }
    if network.takesBytes {
      let white = 255 / Float(contract.range.rawValue)
      guard isPlain, contract.std.allSatisfy({ abs($0 * white - 1) < 1e-3 }) else {
        throw .metadata(
          reason:
            "the network takes images as bytes, 0 to 255, and the preprocessing contract makes "
            + "other numbers; \(byteRemedy)")
      }
      return []
    }
    guard let node = network.inputScale, !isPlain else { return [] }
    return [
      "the graph scales or shifts the images' numbers itself (node \"\(node)\"), and so does the "
        + "preprocessing contract; if the graph does all of it, give a contract with mean [0, 0, 0] "
        + "(--preprocess)"
    ]
  }

  /// Returns the usual contract of the two usual input sizes, as for models with an architecture.
  private static func usualContract(
    for network: ONNXNetwork
  ) throws(CheckpointError) -> Preprocessing {
    let input = network.graph.inputShape
    guard !network.takesBytes else {
      throw .metadata(
        reason:
          "the network takes images as bytes, 0 to 255, and the file does not say how they are "
          + "prepared; \(byteRemedy)")
    }
    guard input.channels == 3 else { throw .channels(nil, of: input) }
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
