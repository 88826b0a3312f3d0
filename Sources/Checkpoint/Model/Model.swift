package import Imaging
package import ResNet

/// A network with everything needed to use it correctly: the contents of one model file.
///
/// `weights` may lie in the file's memory, which is released when the last of its tensors goes.
/// Once an engine has packed them, set `weights` to `Weights()`; everything else is small and owned
/// by the model.
package struct Model: Sendable {
  /// Everything that answers need besides the network.
  package struct Contents: Sendable {
    package var labels: [String]
    package var preprocessing: Preprocessing
    package var output: OutputRule
    package var calibration: Calibration?
    package var provenance: Provenance?
    package var goldenSamples: [GoldenSample]
    /// What it answered before it was taught from examples; nil if it was not.
    package var formerHead: FormerHead?

    package init(
      labels: [String], preprocessing: Preprocessing, output: OutputRule = OutputRule(),
      calibration: Calibration? = nil, provenance: Provenance? = nil,
      goldenSamples: [GoldenSample] = []
    ) {
      (self.labels, self.preprocessing, self.output) = (labels, preprocessing, output)
      (self.calibration, self.provenance) = (calibration, provenance)
      self.goldenSamples = goldenSamples
    }
  }

  package let name: String
  /// Version of the file that it was read from; of the file that `write(to:)` makes if it was put
  /// together or lay in several files.
  package internal(set) var version: ModelVersion
  /// Architecture, or nil if the graph is not an unrolled architecture or not known to be one.
  package let architecture: Architecture?
  package let graph: Graph
  package var weights: Weights
  let contents: Contents
  /// Whether labels and preprocessing come from another model, `ModelOptions.completion`.
  package internal(set) var isCompleted = false
  /// Contract that its file has, if another one was given in its place.
  package internal(set) var replacedPreprocessing: Preprocessing?
  /// Format of the file that it was read from; safetensors for models that were put together.
  package internal(set) var format = FileFormat.safetensors
  /// Warnings for whoever loads the model, a sentence each; none makes it unusable.
  package internal(set) var warnings: [String] = []
  /// What the file does not say and was therefore assumed, a phrase each: an answer may be wrong if
  /// one of them is.
  package internal(set) var assumptions: [String] = []
  /// Whether one of them is what the outputs mean.
  package internal(set) var assumesActivation = false

  /// Limit on a name in UTF-8 bytes.
  package static let nameByteCountLimit = 128

  /// Labels of the answer's classes, in order.
  package var labels: [String] { contents.labels }
  package var preprocessing: Preprocessing { contents.preprocessing }
  /// Meaning of the network's outputs.
  package var output: OutputRule { contents.output }
  /// Ranges that int8 needs; nil in models that nobody has quantised.
  package var calibration: Calibration? { contents.calibration }
  package var provenance: Provenance? { contents.provenance }
  package var goldenSamples: [GoldenSample] { contents.goldenSamples }
  /// What it answered before it was taught from examples; nil if it was not.
  package var formerHead: FormerHead? { contents.formerHead }

  /// Puts a model together from parts, which are checked like those of a file.
  ///
  /// Its version is that of the file that `write(to:)` makes of it.
  package init(
    name: String, architecture: Architecture, weights: Weights, _ contents: Contents
  ) throws(CheckpointError) {
    try self.init(
      name: name, architecture: architecture, graph: Self.graph(of: architecture),
      weights: weights, contents)
  }

  /// Puts a model together from a network that has a graph but no architecture.
  package init(
    name: String, graph: Graph, weights: Weights, _ contents: Contents
  ) throws(CheckpointError) {
    try self.init(name: name, architecture: nil, graph: graph, weights: weights, contents)
  }

  /// Returns the same network with the ranges that int8 needs, as a file of its own.
  package func calibrated(
    _ calibration: Calibration, _ provenance: Provenance
  ) throws(CheckpointError) -> Model {
    try changed { contents in
      contents.calibration = calibration
      contents.provenance = provenance
    }
  }

  /// Returns the same model, as a file of its own that tells its origin.
  package func with(_ provenance: Provenance) throws(CheckpointError) -> Model {
    try changed { $0.provenance = provenance }
  }

  /// Returns the same model with other images by which it proves itself.
  package func with(goldenSamples: [GoldenSample]) throws(CheckpointError) -> Model {
    try changed { $0.goldenSamples = goldenSamples }
  }

  /// Returns the same model with other numbers, without golden samples: their logits are those of
  /// the numbers before.
  func with(_ weights: Weights) throws(CheckpointError) -> Model {
    try changed(weights) { $0.goldenSamples = [] }
  }

  private func changed(
    _ weights: Weights? = nil, _ change: (inout Contents) -> Void
  ) throws(CheckpointError) -> Model {
    var contents = contents
    change(&contents)
    return try Model(
      name: name, architecture: architecture, graph: graph, weights: weights ?? self.weights,
      contents)
  }

  private init(
    name: String, architecture: Architecture?, graph: Graph, weights: Weights,
    _ contents: Contents
  ) throws(CheckpointError) {
    do { try graph.validate(weights) } catch { throw .unsupported(error.description) }
    for name in weights.names.sorted() {
      guard let tensor = weights[name] else { continue }
      if let fault = WeightReader.fault(in: tensor, isVariance: name.hasSuffix(".running_var")) {
        throw .unsupported("parameter \(name): \(fault)")
      }
    }
    try self.init(
      checking: name, version: ModelVersion(digest: [UInt8](repeating: 0, count: 32)),
      (architecture, graph), weights, contents)
    version = try serializedVersion()
  }

  /// Checks everything that concerns more than one part; graph and weights match already.
  init(
    checking name: String, version: ModelVersion, _ network: (Architecture?, Graph),
    _ weights: Weights, _ contents: Contents
  ) throws(CheckpointError) {
    let graph = network.1
    let outputCount: Int
    do { outputCount = try graph.outputShape.channels } catch {
      throw .unsupported(error.description)
    }
    guard !name.isEmpty, name.utf8.count <= Self.nameByteCountLimit,
      name.utf8.allSatisfy({ Self.isNameByte($0) })
    else {
      throw .metadata(
        reason: "a name is 1 to \(Self.nameByteCountLimit) of A-Z a-z 0-9 . _ - + @, not "
          + "\"\(name.prefix(40))\"")
    }
    let (height, width) = contents.preprocessing.outputSize
    guard height == graph.inputShape.height, width == graph.inputShape.width else {
      throw .metadata(
        reason: "preprocessing gives \(height)x\(width) pixels, the network takes "
          + "\(graph.inputShape.height)x\(graph.inputShape.width)")
    }
    guard contents.preprocessing.channelCount == graph.inputShape.channels else {
      throw .channels(contents.preprocessing.channelCount, of: graph.inputShape)
    }
    try contents.check(outputCount: outputCount)
    self.name = name
    self.version = version
    architecture = network.0
    self.graph = graph
    self.weights = weights
    self.contents = contents
  }

  static func graph(of architecture: Architecture) throws(CheckpointError) -> Graph {
    do { return try Graph(architecture) } catch { throw .unsupported(error.description) }
  }

  /// Returns whether a character may stand in a model's name.
  package static func isAllowed(_ scalar: Unicode.Scalar) -> Bool {
    scalar.isASCII && isNameByte(UInt8(truncatingIfNeeded: scalar.value))
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

extension CheckpointError {
  /// The fault of a contract with other channels than the network's input, or of none at all if
  /// `count` is nil; says what to write.
  static func channels(_ count: Int?, of input: FeatureShape) -> CheckpointError {
    let found =
      count.map { "the contract's channels are \($0), the network's \(input.channels)" }
      ?? "the network's images have \(input.channels) \(input.channels == 1 ? "channel" : "channels"), "
      + "and nothing says how they are prepared"
    switch input.channels {
    case 1:
      return .metadata(
        reason: "\(found); mean and std have one number each for grey: give --preprocess "
          + "'{\"resize\": {\"rule\": \"exact\", \"height\": \(input.height), \"width\": "
          + "\(input.width)}, \"mean\": [0.5], \"std\": [0.5]}' with the numbers of its training")
    case 3:
      return .metadata(reason: "\(found); mean and std have three numbers each for colours")
    default:
      return .metadata(
        reason:
          "\(found); mean and std have \(input.channels) numbers each, one for each band: give "
          + "--preprocess '{\"resize\": {\"rule\": \"exact\", \"height\": \(input.height), \"width\": "
          + "\(input.width)}, \"mean\": […], \"std\": […], \"range\": 65535}' with "
          + "the numbers of its training, on the scale of stored 16-bit samples (or 255, 1 for range)"
      )
    }
  }
}

extension Model.Contents {
  /// Throws unless all parts fit a network with so many outputs.
  fileprivate func check(outputCount: Int) throws(CheckpointError) {
    // Over one output it is always 1.
    if outputCount == 1, output.activation == .softmax { throw .singleOutput }
    guard output.fits(labelCount: labels.count, outputCount: outputCount) else {
      throw .labelCount(labels: labels.count, classCount: outputCount)
    }
    for (index, label) in labels.enumerated() {
      if let fault = Labels.fault(in: label) {
        throw .metadata(reason: "label of class \(index): \(fault)")
      }
    }
    if let fault = output.fault(labels: labels) { throw .metadata(reason: "output: \(fault)") }
    if let fault = calibration?.fault { throw .metadata(reason: "calibration: \(fault)") }
    if let fault = formerHead?.fault(outputCount: outputCount) { throw .metadata(reason: fault) }
    guard goldenSamples.count <= GoldenSample.countLimit else {
      throw .overLimit(
        what: "golden samples", value: goldenSamples.count, limit: GoldenSample.countLimit)
    }
    for sample in goldenSamples {
      guard sample.logits.count == outputCount, sample.logits.allSatisfy(\.isFinite) else {
        throw .metadata(reason: "a golden sample has not \(outputCount) finite logits")
      }
      guard 1...GoldenSample.imageByteCountLimit ~= sample.encodedImage.count else {
        throw .overLimit(
          what: "bytes of a golden sample's image", value: sample.encodedImage.count,
          limit: GoldenSample.imageByteCountLimit)
      }
    }
  }
}
