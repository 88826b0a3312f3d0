import Imaging
import ResNet

/// Builds the graph of a residual network by the names and shapes of its tensors.
///
/// Each convolution has the channels, groups and kernel of its weights, so that pruned networks and
/// those of other widths are read as well. What a network has anywhere (a kind of normalisation,
/// attention) each of its blocks must have, so that no tensor can be missing unnoticed.
struct NetworkBuilder {
  /// Kind of normalisation after, or before, each convolution.
  enum Normalization: Hashable {
    case batch
    case group
    /// Merged into the convolutions, which then have biases.
    case none
  }

  let tensors: NamedTensors
  let parts: BlockParts
  let variant: NetworkVariant
  private(set) var graph: Graph
  private(set) var shapes: [FeatureShape]
  private(set) var sources: [String: ParameterSource] = [:]
  private(set) var assumptions: [String] = []
  var passedOver: Set<String> = []
  /// Tensors outside of the body and of the classifier that was named.
  var otherModules: [String] = []
  let isForSmallImages: Bool
  /// Whether it is a face network.
  let isForFaces: Bool
  /// Whether its outputs are an embedding.
  var givesEmbedding = false
  /// Dilation of the stage that is being built.
  var dilation = 1
  /// Quotient of the input's and the last map's sides.
  var strideSoFar = 1
  /// Name of the normalisation after the last block, if there is one.
  var lastNormalization: String?
  /// Whether the stem has several convolutions.
  let hasDeepStem: Bool

  let normalization: Normalization
  /// Whether normalisation and activation stand before each convolution (He et al. 2016, ResNetV2).
  let isPreActivation: Bool
  let standardizesWeights: Bool
  /// Whether batch normalisations have no parameters (`affine=False`), the first one of a block as all.
  let hasStatisticsAlone: Bool
  /// Pooling before the classifier, if it was said or is known.
  var pooling: NetworkVariant.GlobalPooling?
  /// Whether the classifier has a place for the variant's activation.
  var usesHeadActivation = false
  /// Whether attention has a kernel over neighbouring channels (ECA).
  var usesChannelKernels = false
  /// Whether shortcuts without weights add channels.
  var padsShortcuts = false
  /// Whether the pooling is that of a learned exponent, which no variant names.
  var poolsByExponent = false

  /// Bytes of parameters that are made of smaller tensors.
  private var derivedByteCount = 0
  private let derivedByteLimit: Int
  /// Those that any file may have, and multiple of its bytes beside them.
  private static let derivedByteAllowance = 64 << 20
  private static let derivedShare = 4

  /// Epsilon of timm's standardised convolutions in BiT.
  private static let standardizationEpsilon: Float = 1e-8

  init(
    _ tensors: NamedTensors, _ variant: NetworkVariant, size: (height: Int, width: Int)?
  ) throws(CheckpointError) {
    (self.tensors, self.variant, pooling) = (tensors, variant, variant.pooling)
    parts = BlockParts(tensors)
    let byteCount = tensors.parameters.values.reduce(0) { $0 + $1.range.count }
    derivedByteLimit = Self.derivedByteAllowance + Self.derivedShare * byteCount
    let first = try Self.convolutionShape(
      tensors.shape("conv1.0.weight") != nil ? "conv1.0" : "conv1", tensors)
    let names = tensors.parameters.keys
    let norms = names.filter { $0.hasPrefix("layer1.0.bn1.") || $0.hasPrefix("bn1.") }
    normalization =
      norms.isEmpty ? .none : norms.contains { $0.hasSuffix(".running_mean") } ? .batch : .group
    let lastStem = ["conv3", "conv1.6", "conv1"].lazy.compactMap { tensors.shape("\($0).weight") }
    let stemChannels = lastStem.first?.first ?? 0
    // Without a third convolution a normalisation of this name is the classifier's.
    let hasThird = tensors.shape("conv3.weight") != nil
    let stemNorm =
      (hasThird ? tensors.width(ofNormalization: "bn3") : nil)
      ?? tensors.width(ofNormalization: "bn1")
    isForFaces = Self.isForFaces(tensors)
    hasStatisticsAlone =
      tensors.shape("layer1.0.bn1.running_mean") != nil
      && tensors.shape("layer1.0.bn1.weight") == nil && tensors.shape("layer1.0.bn1.bias") == nil
    isPreActivation =
      tensors.width(ofNormalization: "layer1.0.bn1") != nil && !isForFaces
      && (Self.normalizesFirst(tensors) ?? (stemNorm != stemChannels))
    hasDeepStem =
      tensors.shape("conv1.0.weight") != nil || tensors.shape("conv2.weight") != nil
    isForSmallImages =
      first[2] == 3 && !hasDeepStem && !isForFaces && (variant.stemStride ?? 1) == 1
      && (variant.stemPooling ?? .nothing) == .nothing
    standardizesWeights =
      variant.standardizesWeights ?? (isPreActivation && normalization == .group && first[2] > 3)
    let side = isForFaces ? Self.faceSide(tensors) : isForSmallImages ? 32 : 224
    let input = FeatureShape(
      channels: first[1], height: size?.height ?? side, width: size?.width ?? side)
    let allowed = Preprocessing.channelCountLimit
    guard allowed.contains(input.channels) else {
      throw .unsupported(
        "a first convolution of \(input.channels) channels; images have \(allowed.lowerBound) to "
          + "\(allowed.upperBound)")
    }
    graph = Graph(input: input)
    shapes = [input]
  }

  /// Appends all of the network.
  mutating func build() throws(CheckpointError) {
    let stages = try stages()
    try checkDilation(stageCount: stages.count)
    try checkSlopes()
    try appendStem()
    for (index, blocks) in stages.enumerated() {
      for block in 0..<blocks {
        try appendBlock(stage: index, block, isLast: index == stages.count - 1)
      }
    }
    if isPreActivation, let norm = finalNormalization() {
      try appendNormalization(norm)
      try append("\(norm).relu", activation)
      lastNormalization = norm
    }
    if isForFaces { try appendFaceHead() } else { try appendHead() }
    tellAssumptions()
    do { _ = try graph.shapes() } catch { throw .unsupported(error.description) }
  }

  /// Returns the name of the normalisation after the last block: one of the usual, or else the only
  /// module with a number for each channel.
  private func finalNormalization() -> String? {
    let usual = ["norm", "bn1"].first { tensors.width(ofNormalization: $0) != nil }
    if let usual { return usual }
    let modules = Set(
      tensors.parameters.keys.compactMap { name in
        name.count { $0 == "." } == 1 ? name.prefix { $0 != "." } : nil
      })
    let others = modules.filter {
      tensors.width(ofNormalization: String($0)) == outputShape.channels
    }
    return others.count == 1 ? others.first.map { String($0) } : nil
  }

  /// Returns whether the first normalisation of a block has the channels that its first convolution
  /// reads, not those that it gives; nil if no block tells.
  private static func normalizesFirst(_ tensors: NamedTensors) -> Bool? {
    for stage in 1...Architecture.stageCountLimit {
      guard let weight = tensors.shape("layer\(stage).0.conv1.weight"), weight.count == 4,
        let norm = tensors.width(ofNormalization: "layer\(stage).0.bn1")
      else { continue }
      if weight[0] != weight[1] { return norm == weight[1] }
    }
    return nil
  }

  // MARK: Nodes

  var output: Graph.NodeID { graph.output }
  var outputShape: FeatureShape { shapes[graph.output] }

  @discardableResult
  mutating func append(
    _ name: String, _ operation: Operation, _ inputs: [Graph.NodeID]
  ) throws(CheckpointError) -> Graph.NodeID {
    let node = Graph.Node(name: name, operation: operation, inputs: inputs)
    do throws(GraphError) {
      shapes.append(try Graph.checkedShape(of: node, inputs: inputs.map { shapes[$0] }))
    } catch {
      throw .unsupported(
        "\(error.description); if blocks or classifier are of another kind, export the network as ONNX"
      )
    }
    return graph.append(node)
  }

  @discardableResult
  mutating func append(
    _ name: String, _ operation: Operation
  ) throws(CheckpointError) -> Graph.NodeID {
    try append(name, operation, [output])
  }

  mutating func take(_ parameter: String, from source: ParameterSource) {
    sources[parameter] = source
  }

  /// Counts numbers that are made of fewer ones in the file.
  mutating func count(derived elementCount: Int) throws(CheckpointError) {
    derivedByteCount += elementCount * MemoryLayout<Float>.size
    guard derivedByteCount <= derivedByteLimit else {
      throw .overLimit(
        what: "bytes of parameters that are made of smaller tensors", value: derivedByteCount,
        limit: derivedByteLimit)
    }
  }

  /// Returns the name that a module has in the file, for words about it.
  func shown(_ module: String) -> String { tensors.nameInFile(ofModule: module) }

  mutating func assume(_ phrase: String) {
    if !assumptions.contains(phrase) { assumptions.append(phrase) }
  }

  // MARK: Layers

  /// Returns the shape of a convolution's weights.
  func convolutionShape(_ name: String) throws(CheckpointError) -> [Int] {
    try Self.convolutionShape(name, tensors)
  }

  private static func convolutionShape(
    _ name: String, _ tensors: NamedTensors
  ) throws(CheckpointError) -> [Int] {
    guard let entry = tensors.parameters["\(name).weight"] else {
      throw .unsupported(
        "no tensor \(name).weight, as residual networks have; others are read from ONNX files")
    }
    let shape = entry.shape
    guard shape.count == 4, !shape.contains(0) else {
      throw .tensor(
        name: entry.name, offset: entry.offset,
        reason: "shape \(entry.shape) is not that of a convolution")
    }
    guard shape[2] == shape[3], !shape[2].isMultiple(of: 2) else {
      throw .unsupported(
        "a convolution of \(shape[2])x\(shape[3]) numbers (tensor \(entry.name)); residual networks "
          + "have square ones of odd sides, others are read from ONNX files")
    }
    return shape
  }

  /// Appends a convolution as its weights describe it, padded so that stride 1 keeps the sides.
  ///
  /// - Parameter part: Some of its outputs, and the name of the node that has these alone.
  mutating func appendConvolution(
    _ name: String, stride: Int = 1, dilation: Int = 1, from input: Graph.NodeID,
    part: Part? = nil
  ) throws(CheckpointError) {
    let shape = try convolutionShape(name)
    let channels = shapes[input].channels
    guard channels.isMultiple(of: shape[1]), shape[0].isMultiple(of: channels / shape[1]) else {
      let entry = tensors.parameters["\(name).weight"]
      throw .tensorShape(
        name: entry?.name ?? name, offset: entry?.offset ?? 0,
        expected: [shape[0], channels, shape[2], shape[3]], actual: shape)
    }
    var convolution = Convolution(
      outputChannels: part?.outputs.count ?? shape[0], kernel: Extent(shape[2]))
    convolution.groups = channels / shape[1]
    convolution.stride = Extent(stride)
    convolution.dilation = Extent(dilation)
    convolution.padding = Padding(shape[2] / 2 * dilation)
    // What normalisations were merged into has biases, so that a missing one is missed.
    convolution.hasBias = normalization == .none || tensors.shape("\(name).bias") != nil
    try append(part?.name ?? name, .convolution(convolution), [input])
    if let part {
      take("\(part.name).weight", from: .rows("\(name).weight", part.outputs))
      if convolution.hasBias {
        take("\(part.name).bias", from: .rows("\(name).bias", part.outputs))
      }
    } else if standardizesWeights {
      take(
        "\(name).weight",
        from: .standardized("\(name).weight", epsilon: Self.standardizationEpsilon))
    }
  }

  /// Appends a normalisation, if the network has any.
  mutating func appendNormalization(_ name: String) throws(CheckpointError) {
    let epsilon = variant.epsilon ?? 1e-5
    switch normalization {
    case .none: return
    case .batch:
      if normalizesInstances(name) { return try appendInstanceNormalization(name) }
      try append(name, .batchNormalization(BatchNormalization(epsilon: epsilon)))
      if hasStatisticsAlone, tensors.shape("\(name).weight") == nil,
        tensors.shape("\(name).bias") == nil
      {
        take("\(name).weight", from: .filled(1))
        take("\(name).bias", from: .filled(0))
      }
    case .group:
      let groups = variant.normalizationGroups ?? 32
      guard variant.normalizationGroups != nil || outputShape.channels.isMultiple(of: groups) else {
        throw Self.withoutStatistics
      }
      try append(
        "\(name).normal", .normalization(SampleNormalization(.groups(groups), epsilon: epsilon)))
      try appendScale(name)
    }
  }

  /// Appends a factor and a term for each channel: a batch normalisation with mean 0 and variance 1.
  mutating func appendScale(_ name: String) throws(CheckpointError) {
    try append(name, .batchNormalization(.scale))
    take("\(name).running_mean", from: .filled(0))
    take("\(name).running_var", from: .filled(BatchNormalization.scaleVariance))
  }

  // MARK: Stages

  /// Returns the number of blocks of each stage.
  private func stages() throws(CheckpointError) -> [Int] {
    let counts = tensors.blockCounts
    guard !counts.isEmpty else {
      throw .unsupported(
        "no tensor layer1.0.conv1.weight, as residual networks have; others are read from ONNX "
          + "files")
    }
    guard counts.count <= Architecture.stageCountLimit,
      counts.allSatisfy({ $0 <= Architecture.stageBlockCountLimit })
    else {
      throw .overLimit(
        what: "blocks", value: counts.reduce(0, +),
        limit: Architecture.stageCountLimit * Architecture.stageBlockCountLimit)
    }
    try variant.named?.check(
      NetworkTraits(
        blockCounts: counts, isBottleneck: isBottleneck, hasAttention: hasAttention,
        hasDeepStem: hasDeepStem, isPreActivation: isPreActivation,
        hasGroupNormalization: normalization == .group,
        isGrouped: isGrouped,
        stemSide: hasDeepStem ? nil : tensors.shape("conv1.weight")?.last))
    return counts
  }

  /// Whether the 3x3 convolutions of bottlenecks have groups.
  private var isGrouped: Bool {
    guard isBottleneck, let inner = tensors.shape("layer1.0.conv2.weight"), inner.count == 4,
      let first = tensors.shape("layer1.0.conv1.weight")
    else { return false }
    return inner[1] != first[0]
  }

  /// Error for normalisations of which the file has no statistics, and that are no group normalisation
  /// of the usual kind.
  static let withoutStatistics = CheckpointError.variant(
    "the normalisations have no running statistics, which are buffers: save the network's state_dict(), "
      + "not its parameters alone; if it has group normalisation, say of how many groups (norm-groups=…); if it normalises each image by its own "
      + "numbers (InstanceNorm, track_running_stats=False), export it as ONNX"
  )

  /// Whether group normalisation is assumed, and of how many groups.
  var assumesGroups: Bool { normalization == .group && variant.normalizationGroups == nil }
}
