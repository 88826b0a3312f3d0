import ResNet

/// What is taken for granted of a network, as phrases for its user.
extension NetworkBuilder {
  static let assumedStride = "bottlenecks stride in the 3x3 convolution (v1.5, as torchvision's)"
  static let assumedSmallStem =
    "the first convolution, of 3x3 numbers, strides by 1 and nothing pools after it"

  static func assumedShortcut(_ zeros: Architecture.ZeroChannels) -> String {
    "shortcuts take every second pixel, and add channels of zeros "
      + (zeros == .centered ? "on both sides (akamaster's)" : "after the others")
      + " (--arch zero-channels=…)"
  }

  /// Says what the variant leaves open of what is the same in nearly all networks.
  ///
  /// - Parameter knowsPooling: Whether the file says how the last map is pooled.
  static func assumedRest(
    _ variant: NetworkVariant, isForSmallImages: Bool, knowsPooling: Bool = false
  ) -> String? {
    var parts: [String] = []
    if variant.stemPooling == nil, !isForSmallImages { parts.append("a max-pooled stem") }
    if variant.lastStageStride == nil, variant.dilatedStages == nil,
      (variant.outputStride ?? 32) == 32
    {
      parts.append("later stages that stride by 2")
    }
    if variant.activation == nil { parts.append("ReLU") }
    if variant.epsilon == nil { parts.append("epsilon 1e-05") }
    if variant.outputStride == nil { parts.append("no dilation") }
    if variant.antiAliasing == nil { parts.append("no filters before strides") }
    if variant.pooling == nil, !knowsPooling { parts.append("average pooling") }
    guard !parts.isEmpty else { return nil }
    return "the rest is as in torchvision's networks (\(parts.joined(separator: ", ")))"
  }

  /// Tells what neither tensors nor the variant say.
  mutating func tellAssumptions() {
    let places = VariantPlaces(
      isBottleneck: isBottleneck,
      strides: isForFaces || tensors.blockCounts.count > 1 || variant.firstStageStride == 2,
      hasAttention: hasAttention, hasChannelKernels: usesChannelKernels,
      hasGroupNormalization: normalization == .group, isPreActivation: isPreActivation,
      activatesHead: usesHeadActivation, padsShortcuts: padsShortcuts,
      projectsShortcuts: parts.contains("downsample"))
    for phrase in variant.unused(in: places) { assume(phrase) }
    if isForSmallImages, variant.stemStride == nil || variant.stemPooling == nil {
      assume(Self.assumedSmallStem)
    }
    if hasDeepStem, variant.stemStride == nil {
      assume("of the stem's convolutions the first strides")
    }
    if hasAttention, variant.named == nil {
      assume(
        "attention is that of timm's SE and ECA modules (the last of a block's main path; ReLU, "
          + "sigmoid, the mean of pixels)")
    }
    if usesChannelKernels, variant.named == nil, variant.attentionPadding == nil {
      assume(
        "zeros stand beside the first and last channel of ECA, as of timm's eca and not its ceca "
          + "(--arch attention-padding=…)")
    }
    if isPreActivation, variant.named == nil {
      if variant.projectsRawInput == nil {
        assume(
          "projections of shortcuts read what comes of a block's first activation, as in timm and "
            + "kuangliu's networks (--arch projection-input=…)")
      }
      if !hasDeepStem, variant.averagesShortcuts == nil {
        assume("projections of shortcuts stride, and take no means (--arch shortcut-pool=…)")
      }
      if !isBottleneck, variant.basicStride == nil {
        assume("blocks of two convolutions stride in the first (--arch basic-stride=…)")
      }
    }
    if normalization == .group, variant.normalizationGroups == nil {
      assume(
        "normalisations, which have no running statistics, are group normalisations of 32 groups "
          + "(--arch norm-groups=…)")
    }
    if normalization == .group, variant.standardizesWeights == nil {
      assume(
        "convolutions' weights are "
          + (standardizesWeights ? "standardised, as in BiT" : "used as they are")
          + " (--arch weight-standardization=…)")
    }
    var told = variant
    told.pooling = pooling
    if usesSlopes { told.activation = told.activation ?? .relu }
    if isForFaces {
      assume(
        "blocks are those of ArcFace's iresnet: every stage strides, in the second convolution, and "
          + "nothing follows sums")
      (told.stemPooling, told.pooling, told.lastStageStride) = (.nothing, .avg, 2)
    }
    if parts.filtersConvolutions || antiAliasing != .nothing { told.antiAliasing = antiAliasing }
    if variant.dilatedStages != nil { told.outputStride = told.outputStride ?? 32 }
    let rest = Self.assumedRest(
      told, isForSmallImages: isForSmallImages, knowsPooling: poolsByExponent)
    if let rest { assume(rest) }
  }
}
