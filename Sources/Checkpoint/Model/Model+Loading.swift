import Files
import Imaging
import ResNet

extension Model {
  /// Maps and checks a file of any format; the type says how long the mapping lives. Where the
  /// operator names it, the path may be the name of an embedded model.
  package static func load(
    path: String, options: ModelOptions = ModelOptions()
  ) throws(CheckpointError) -> Model {
    // Only the operator names folders and embedded models; what somebody sent is a file.
    if options.readsExternalData {
      if let model = EmbeddedModel(path: path) { return try embedded(model, options: options) }
      if ModelFolder.isFolder(path) { return try load(ModelFolder(path), options) }
    }
    let fileName = path.split(separator: "/").last.map(String.init) ?? path
    return try load(
      ModelBytes(mapping: path), fileName: fileName, options: options, path: path)
  }

  /// Returns whether a path is that of a folder, whose model lies in several files.
  package static func isFolder(_ path: String) -> Bool { ModelFolder.isFolder(path) }

  /// Loads a copy of bytes in memory, like `load(path:)`.
  package static func load(
    bytes: [UInt8], fileName: String, options: ModelOptions = ModelOptions()
  ) throws(CheckpointError) -> Model {
    try load(ModelBytes(copying: bytes), fileName: fileName, options: options)
  }

  /// Loads a model that is part of the program, in place.
  package static func embedded(
    _ model: EmbeddedModel = .usual, options: ModelOptions = ModelOptions()
  ) throws(CheckpointError) -> Model {
    try load(model.bytes, fileName: model.name, options: options)
  }

  /// Returns the model under the version of the file that `write(to:)` makes, for when options have
  /// changed what its own file says.
  package func versionedAsWritten() throws(CheckpointError) -> Model {
    var model = self
    model.version = try serializedVersion()
    return model
  }

  /// Hands the bytes of a file, or of an embedded model if `path` is nil or its name, to `body` in
  /// order.
  package static func readFile(
    _ path: String?, _ body: (RawSpan) throws(CheckpointError) -> Void
  ) throws(CheckpointError) {
    let bytes =
      if let path, EmbeddedModel(path: path) == nil { try ModelBytes(mapping: path) } else {
        (path.flatMap(EmbeddedModel.init(path:)) ?? .usual).bytes
      }
    for start in stride(from: 0, to: bytes.count, by: partByteCount) {
      try bytes.withBytes(in: start..<min(start + partByteCount, bytes.count), body)
    }
  }

  /// Bytes of a piece when a file is read through.
  private static let partByteCount = 1 << 20

  private static func load(
    _ bytes: ModelBytes, fileName: String, options: ModelOptions, path: String? = nil
  ) throws(CheckpointError) -> Model {
    if fileName.hasSuffix(".distcp") { throw ForeignFile.distributedCheckpoint.error }
    if try FileFormat(sniffing: bytes) == .onnx {
      return try loadONNX(bytes, fileName: fileName, options: options, path: path)
    }
    return try load(
      TensorFile(bytes, memory: options.memory), fileName: fileName, options: options)
  }

  /// Loads a folder's model, under the version of the one file that `write(to:)` makes of it.
  private static func load(
    _ folder: ModelFolder, _ options: ModelOptions
  ) throws(CheckpointError) -> Model {
    let model = try load(
      folder.tensors(), fileName: folder.modelName, options: options,
      beside: FolderFacts(folder, options))
    return try model.versionedAsWritten()
  }

  private static func load(
    _ file: TensorFile, fileName: String, options: ModelOptions, beside facts: FolderFacts? = nil
  ) throws(CheckpointError) -> Model {
    let bytes = file.bytes
    let document = try document(in: file)
    let chosen = options
    var options = chosen.completed(for: document)
    let isCompleted = options != chosen
    let notes = if document == nil, let facts { options.take(facts) } else { [String]() }
    try options.interruption.check()
    let (tensors, (architecture, graph, recognized), reader, weights) = try parameters(
      of: file, named: fileName, document, options)
    var warnings = [options.labelsNote].compactMap(\.self) + notes + tensors.warnings
    let outputCount: Int
    do { outputCount = try graph.outputShape.channels } catch {
      throw .unsupported(error.description)
    }
    if document == nil { options.take(file.classes, outputCount, warnings: &warnings) }
    var parts = LoadedParts(options, document)
    parts.normalization = tensors.normalization
    parts.ending = recognized?.ending ?? .open
    var contents = try parts.contents(outputCount: outputCount, &warnings) {
      () throws(CheckpointError) in
      let input = graph.inputShape
      guard input.channels == 3 else { throw .channels(nil, of: input) }
      if recognized?.isForFaces == true { return try faceContract(for: input) }
      return try contract(for: recognized?.isForSmallImages == true ? .cifar : .imageNet)
    }
    contents.calibration = document?.calibration
    contents.goldenSamples = try reader.goldenSamples(classCount: outputCount)
    contents.formerHead = try reader.formerHead(document?.former)
    let replaced = document.map(\.preprocessing).flatMap { $0 == contents.preprocessing ? nil : $0 }
    if !contents.goldenSamples.isEmpty, replaced != nil {
      contents.goldenSamples = []
      warnings.append("its golden samples are left out: they hold for its own preprocessing")
    }
    var model = try Model(
      checking: options.name ?? document?.name ?? name(from: fileName),
      version: try version(of: bytes, options.interruption), (architecture, graph), weights,
      contents)
    model.replacedPreprocessing = replaced
    model.format = file.format
    model.warnings = warnings
    model.assumptions =
      (recognized?.assumptions ?? []) + parts.assumptions
      + (document == nil ? facts?.assumptions ?? [] : [])
    model.assumesActivation = parts.assumesActivation
    model.isCompleted = isCompleted
    return model
  }

  /// Returns the file's network, with its tensors and what reads them.
  private static func parameters(
    of file: TensorFile, named fileName: String, _ document: ModelDocument?, _ options: ModelOptions
  ) throws(CheckpointError) -> (
    NamedTensors, (Architecture?, Graph, recognized: TensorNetwork?), WeightReader, Weights
  ) {
    do throws(CheckpointError) {
      let tensors = try tensors(of: file, document, options)
      let network = try network(of: tensors, document, options)
      // Another network of the file, or a part of this one, has what is missing here.
      if network.recognized?.assumesGroups == true,
        file.groups.contains(where: { group in
          group.entries.contains { $0.name.hasSuffix("running_mean") }
        })
      {
        throw NetworkBuilder.withoutStatistics
      }
      let reader = WeightReader(
        file: file, tensors: tensors, interruption: options.interruption, memory: options.memory)
      return (tensors, network, reader, try reader.weights(for: network.1, of: network.recognized))
    } catch {
      throw document == nil ? error.explained(by: file, named: fileName) : error
    }
  }

  /// Returns the tensors of the file's network; only files of other programs may hold several.
  private static func tensors(
    of file: TensorFile, _ document: ModelDocument?, _ options: ModelOptions
  ) throws(CheckpointError) -> NamedTensors {
    guard let document else {
      return try WeightsChoice.tensors(of: file, named: options.weights, options.variant)
    }
    if options.weights != nil { throw .oneNetwork }
    return try NamedTensors(file.groups[0].entries, asNamed: document.graph != nil)
  }

  /// Returns the network that the document describes, else the one that plain tensors belong to.
  private static func network(
    of tensors: NamedTensors, _ document: ModelDocument?, _ options: ModelOptions
  ) throws(CheckpointError) -> (Architecture?, Graph, recognized: TensorNetwork?) {
    if let document {
      if !options.variant.isEmpty { throw .statedVariant }
      let (architecture, graph) = try document.network()
      if options.resizesNetwork, let size = options.preprocessing?.outputSize,
        let resized = graph.resized(height: size.height, width: size.width)
      {
        // An architecture is square.
        var square = size.height == size.width ? architecture : nil
        square?.inputSize = size.height
        return (square, resized, nil)
      }
      return (architecture, graph, nil)
    }
    // A plain file does not tell its input size; the contract from outside does.
    let network = try TensorNetwork(
      recognizing: tensors, options.variant, size: options.preprocessing?.outputSize)
    return (network.architecture, network.graph, network)
  }

  /// Returns the document, or nil for files from other tools.
  private static func document(
    in file: TensorFile
  ) throws(CheckpointError) -> ModelDocument? {
    guard let json = file.metadata[ModelDocument.metadataKey] else { return nil }
    return try ModelDocument(json: json)
  }

  static func version(
    of bytes: ModelBytes, _ interruption: Interruption
  ) throws(CheckpointError) -> ModelVersion {
    var digest = try SHA256.begin()
    for start in stride(from: 0, to: bytes.count, by: partByteCount) {
      try interruption.check()
      bytes.withBytes(in: start..<min(start + partByteCount, bytes.count)) { digest.update($0) }
    }
    return ModelVersion(digest: digest.finish())
  }

  /// Returns the file's name without its extension, with disallowed characters replaced.
  static func name(from fileName: String) -> String {
    var stem = Substring(fileName)
    if let dot = stem.lastIndex(of: "."), dot != stem.startIndex { stem = stem[..<dot] }
    let bytes = stem.utf8.prefix(nameByteCountLimit).map { isNameByte($0) ? $0 : UInt8(ascii: "_") }
    return bytes.isEmpty ? "model" : String(decoding: bytes, as: UTF8.self)
  }

  /// Returns the contract of insightface's networks: aligned faces, as numbers from -1 to 1.
  private static func faceContract(
    for input: FeatureShape
  ) throws(CheckpointError) -> Preprocessing {
    let half: [Float] = [0.5, 0.5, 0.5]
    do {
      return try Preprocessing(
        resize: .exact(height: input.height, width: input.width, filter: .bilinear), crop: .none,
        mean: half, std: half)
    } catch {
      throw .metadata(reason: error.description)
    }
  }

  /// Returns the usual contract of plain files of the two families, with ImageNet's mean and
  /// standard deviation for both.
  static func contract(
    for stem: Architecture.Stem
  ) throws(CheckpointError) -> Preprocessing {
    switch stem {
    case .imageNet: return .imageNet
    case .strided: return .imageNet64
    case .cifar:
      let imageNet = Preprocessing.imageNet
      do { return try .cifar10(mean: imageNet.mean, std: imageNet.std) } catch {
        throw .metadata(reason: error.description)
      }
    }
  }
}
