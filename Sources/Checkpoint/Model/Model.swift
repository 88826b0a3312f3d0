package import Imaging
package import ResNet

/// A network with everything needed to use it correctly: the contents of one model file.
///
/// `weights` may lie in the file's memory, which is released when the last of its tensors goes.
/// Once an engine has packed them, set `weights` to `Weights()`; everything else is small and owned
/// by the model.
package struct Model: Sendable {
  package let name: String
  /// Version of the file that it was read from; of the file that `write(to:)` makes if it was put
  /// together or lay in several files.
  package internal(set) var version: ModelVersion
  /// Architecture, or nil if the graph is not an unrolled architecture or not known to be one.
  package let architecture: Architecture?
  package let graph: Graph
  package var weights: Weights
  /// Labels of the classes, in order.
  package let labels: [String]
  package let preprocessing: Preprocessing
  /// Ranges that int8 needs; nil in models that nobody has quantised.
  package let calibration: Calibration?
  package let provenance: Provenance?
  package let goldenSamples: [GoldenSample]
  /// Whether labels and preprocessing come from another model, `ModelOptions.completion`.
  package internal(set) var isCompleted = false
  /// Format of the file that it was read from; safetensors for models that were put together.
  package let format: FileFormat
  /// Warnings for whoever loads the model, a sentence each; none makes it unusable.
  package let warnings: [String]

  /// Limit on a name in UTF-8 bytes.
  package static let nameByteCountLimit = 128

  /// Puts a model together from parts, which are checked like those of a file.
  ///
  /// Its version is that of the file that `write(to:)` makes of it.
  package init(
    name: String, architecture: Architecture, weights: Weights, labels: [String],
    preprocessing: Preprocessing, calibration: Calibration? = nil, provenance: Provenance? = nil,
    goldenSamples: [GoldenSample] = []
  ) throws(CheckpointError) {
    try self.init(
      name: name, architecture: architecture, graph: Self.graph(of: architecture),
      weights: weights, labels: labels, preprocessing: preprocessing, calibration: calibration,
      provenance: provenance, goldenSamples: goldenSamples)
  }

  /// Puts a model together from a network that has a graph but no architecture.
  package init(
    name: String, graph: Graph, weights: Weights, labels: [String], preprocessing: Preprocessing,
    calibration: Calibration? = nil, provenance: Provenance? = nil,
    goldenSamples: [GoldenSample] = []
  ) throws(CheckpointError) {
    try self.init(
      name: name, architecture: nil, graph: graph, weights: weights, labels: labels,
      preprocessing: preprocessing, calibration: calibration, provenance: provenance,
      goldenSamples: goldenSamples)
  }

  /// Returns the same network with the ranges that int8 needs, as a file of its own.
  package func calibrated(
    _ calibration: Calibration, _ provenance: Provenance
  ) throws(CheckpointError) -> Model {
    try Model(
      name: name, architecture: architecture, graph: graph, weights: weights, labels: labels,
      preprocessing: preprocessing, calibration: calibration, provenance: provenance,
      goldenSamples: goldenSamples)
  }

  /// Returns the same model, as a file of its own that tells its origin.
  package func with(_ provenance: Provenance) throws(CheckpointError) -> Model {
    try Model(
      name: name, architecture: architecture, graph: graph, weights: weights, labels: labels,
      preprocessing: preprocessing, calibration: calibration, provenance: provenance,
      goldenSamples: goldenSamples)
  }

  private init(
    name: String, architecture: Architecture?, graph: Graph, weights: Weights, labels: [String],
    preprocessing: Preprocessing, calibration: Calibration?, provenance: Provenance?,
    goldenSamples: [GoldenSample]
  ) throws(CheckpointError) {
    do { try graph.validate(weights) } catch { throw .unsupported(error.description) }
    for name in weights.names.sorted() {
      guard let tensor = weights[name] else { continue }
      if let fault = WeightReader.fault(in: tensor, isVariance: name.hasSuffix(".running_var")) {
        throw .unsupported("parameter \(name): \(fault)")
      }
    }
    let unversioned = try Model(
      checking: name, version: ModelVersion(digest: [UInt8](repeating: 0, count: 32)),
      architecture: architecture, graph: graph, weights: weights, labels: labels,
      preprocessing: preprocessing, calibration: calibration, provenance: provenance,
      goldenSamples: goldenSamples)
    self = try Model(
      checking: name, version: unversioned.serializedVersion(), architecture: architecture,
      graph: graph, weights: weights, labels: labels, preprocessing: preprocessing,
      calibration: calibration, provenance: provenance, goldenSamples: goldenSamples)
  }

  /// Checks everything that concerns more than one part; graph and weights match already.
  init(
    checking name: String, version: ModelVersion, architecture: Architecture?, graph: Graph,
    weights: Weights, labels: [String], preprocessing: Preprocessing, calibration: Calibration?,
    provenance: Provenance?, goldenSamples: [GoldenSample], format: FileFormat = .safetensors,
    warnings: [String] = []
  ) throws(CheckpointError) {
    let classCount: Int
    do { classCount = try graph.outputShape.channels } catch {
      throw .unsupported(error.description)
    }
    guard !name.isEmpty, name.utf8.count <= Self.nameByteCountLimit,
      name.utf8.allSatisfy({ Self.isNameByte($0) })
    else {
      throw .metadata(
        reason: "a name is 1 to \(Self.nameByteCountLimit) of A-Z a-z 0-9 . _ - + @, not "
          + "\"\(name.prefix(40))\"")
    }
    guard labels.count == classCount else {
      throw .labelCount(labels: labels.count, classCount: classCount)
    }
    for (index, label) in labels.enumerated() {
      if let fault = Labels.fault(in: label) {
        throw .metadata(reason: "label of class \(index): \(fault)")
      }
    }
    let (height, width) = preprocessing.outputSize
    guard height == graph.inputShape.height, width == graph.inputShape.width else {
      throw .metadata(
        reason: "preprocessing gives \(height)x\(width) pixels, the network takes "
          + "\(graph.inputShape.height)x\(graph.inputShape.width)")
    }
    guard preprocessing.channelCount == graph.inputShape.channels else {
      throw .metadata(
        reason: "the contract's channels are \(preprocessing.channelCount), the network's "
          + "\(graph.inputShape.channels); mean and std have three numbers each for colours, one "
          + "each for grey")
    }
    if let fault = calibration?.fault {
      throw .metadata(reason: "calibration: \(fault)")
    }
    guard goldenSamples.count <= GoldenSample.countLimit else {
      throw .overLimit(
        what: "golden samples", value: goldenSamples.count, limit: GoldenSample.countLimit)
    }
    for sample in goldenSamples {
      guard sample.logits.count == classCount, sample.logits.allSatisfy(\.isFinite) else {
        throw .metadata(reason: "a golden sample has not \(classCount) finite logits")
      }
      guard 1...GoldenSample.imageByteCountLimit ~= sample.encodedImage.count else {
        throw .overLimit(
          what: "bytes of a golden sample's image", value: sample.encodedImage.count,
          limit: GoldenSample.imageByteCountLimit)
      }
    }
    self.name = name
    self.version = version
    self.architecture = architecture
    self.graph = graph
    self.weights = weights
    self.labels = labels
    self.preprocessing = preprocessing
    self.calibration = calibration
    self.provenance = provenance
    self.goldenSamples = goldenSamples
    self.format = format
    self.warnings = warnings
  }

  static func graph(of architecture: Architecture) throws(CheckpointError) -> Graph {
    do { return try Graph(architecture) } catch { throw .unsupported(error.description) }
  }

  /// Returns whether it may stand in paths, log lines and metrics: no space, separator or quote.
  static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: ".-_+@".utf8.contains(byte)
    }
  }
}
