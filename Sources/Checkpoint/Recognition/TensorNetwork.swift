import ResNet

/// The network that plain tensors belong to: as much of it as their names and shapes tell, and a
/// variant or what is usual for the rest.
struct TensorNetwork {
  /// Architecture, for a network of the paper's family whose parameters all stand in the file as
  /// they are.
  let architecture: Architecture?
  let graph: Graph
  /// Sources of the parameters that do not stand in the file under their own names.
  private let sources: [String: ParameterSource]
  /// Names of parameters that belong to no part of the chosen network.
  let passedOver: Set<String>
  /// What neither tensors nor variant say, a phrase each.
  let assumptions: [String]
  /// Whether the first layers are those for small images: a 3x3 convolution that is not pooled.
  let isForSmallImages: Bool
  /// Whether it is a face network.
  let isForFaces: Bool
  /// Whether its normalisations are taken for those of groups, for lack of statistics alone.
  let assumesGroups: Bool
  /// What the network is known to give.
  let ending: NetworkEnding

  /// Recognises a network.
  ///
  /// - Parameter size: Height and width of the images; nil for what is usual: 224, and 32 for small
  ///   images.
  init(
    recognizing tensors: NamedTensors, _ variant: NetworkVariant = NetworkVariant(),
    size: (height: Int, width: Int)? = nil
  ) throws(CheckpointError) {
    if let plain = Self.architecture(of: tensors, variant, size) {
      architecture = plain
      graph = try Model.graph(of: plain)
      (sources, passedOver) = ([:], [])
      isForSmallImages = plain.stem == .cifar
      (isForFaces, assumesGroups, ending) = (false, false, .open)
      assumptions = Self.assumptions(on: plain, variant)
      return
    }
    var builder = try NetworkBuilder(tensors, variant, size: size)
    try builder.build()
    architecture = nil
    (graph, sources) = (builder.graph, builder.sources)
    passedOver = builder.passedOver
    assumptions = builder.assumptions
    isForSmallImages = builder.isForSmallImages
    isForFaces = builder.isForFaces
    assumesGroups = builder.assumesGroups
    ending = builder.givesEmbedding ? .embedding : .open
  }

  /// Returns what a parameter's numbers are made of.
  func source(of parameter: String) -> ParameterSource { sources[parameter] ?? .stored(parameter) }

  /// Returns whether the tensors are all there with the right shapes, and how many are left over;
  /// nil if not.
  func leftoverCount(in tensors: NamedTensors) -> Int? {
    guard let shapes = try? graph.parameterShapes() else { return nil }
    var used: Set<String> = []
    for (name, shape) in shapes {
      let source = source(of: name)
      guard let stored = source.tensor else { continue }
      guard let found = tensors.shape(stored), source.fits(found, to: shape),
        sources[name] != nil || found == shape
      else { return nil }
      used.insert(stored)
    }
    return tensors.parameters.count - used.count - passedOver.count
  }

  // MARK: Plain networks

  /// Returns the architecture if it is one, and the variant is one that it can have.
  private static func architecture(
    of tensors: NamedTensors, _ variant: NetworkVariant, _ size: (height: Int, width: Int)?
  ) -> Architecture? {
    guard variant.isPlain, size.map({ $0.height == $0.width }) ?? true,
      !tensors.isOfCaffe,
      var architecture = Architecture(recognizing: tensors)
    else { return nil }
    let isSmall = architecture.stem == .cifar
    guard variant.stemStride ?? (isSmall ? 1 : 2) == (isSmall ? 1 : 2),
      variant.stemPooling ?? (isSmall ? .nothing : .max) == (isSmall ? .nothing : .max),
      (try? variant.named?.check(NetworkTraits(architecture))) != nil || variant.named == nil
    else { return nil }
    architecture.stridePlacement = variant.stridePlacement ?? .in3x3
    if let zeros = variant.zeroChannels { architecture.zeroChannels = zeros }
    if let epsilon = variant.epsilon { architecture.normalizationEpsilon = epsilon }
    if let size { architecture.inputSize = size.height }
    guard let graph = try? Graph(architecture), let shapes = try? graph.parameterShapes(),
      tensors.parameters.count == shapes.count,
      shapes.allSatisfy({ tensors.shape($0.key) == $0.value })
    else { return nil }
    return architecture
  }

  private static func assumptions(
    on architecture: Architecture, _ variant: NetworkVariant
  ) -> [String] {
    var assumptions: [String] = []
    if architecture.block == .bottleneck, variant.stridePlacement == nil {
      assumptions.append(NetworkBuilder.assumedStride)
    }
    if architecture.stem == .cifar, variant.stemStride == nil || variant.stemPooling == nil {
      assumptions.append(NetworkBuilder.assumedSmallStem)
    }
    if architecture.shortcut == .a, variant.zeroChannels == nil {
      assumptions.append(NetworkBuilder.assumedShortcut(architecture.zeroChannels))
    }
    assumptions += variant.unused(
      in: VariantPlaces(
        isBottleneck: architecture.block == .bottleneck, strides: architecture.stages.count > 1,
        padsShortcuts: architecture.shortcut == .a, projectsShortcuts: architecture.shortcut != .a)
    )
    let isSmall = architecture.stem == .cifar
    if let rest = NetworkBuilder.assumedRest(variant, isForSmallImages: isSmall) {
      assumptions.append(rest)
    }
    return assumptions
  }
}

extension NetworkVariant {
  /// Whether an architecture of the paper's family can have it.
  fileprivate var isPlain: Bool {
    (outputStride ?? 32) == 32 && dilatedStages == nil && (activation ?? .relu) == .relu
      && (innerActivation ?? .relu) == .relu
      && (pooling ?? .avg) == .avg
      && (antiAliasing ?? .nothing) == .nothing
      && (basicStride ?? .first) == .first && (firstStageStride ?? 1) == 1
      && (lastStageStride ?? 2) == 2 && averagesShortcuts != true
      && standardizesWeights != true
      && (head ?? "fc") == "fc"
  }
}

extension NetworkTraits {
  fileprivate init(_ architecture: Architecture) {
    blockCounts = architecture.stages.map(\.blocks)
    isBottleneck = architecture.block == .bottleneck
    isGrouped = architecture.groups > 1
    stemSide = architecture.stem == .cifar ? 3 : 7
  }
}
