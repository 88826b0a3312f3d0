import ResNet

/// What comes before the first stage.
extension NetworkBuilder {
  /// Appends the first convolutions and what pools after them.
  ///
  ///     conv1, bn1                                    torchvision
  ///     conv1.0, conv1.1, conv1.3, conv1.4, conv1.6, bn1   timm's C and D stems
  ///     conv1, bn1, conv2, bn2, conv3, bn3            the same in Caffe's relatives
  mutating func appendStem() throws(CheckpointError) {
    if tensors.shape("conv1.0.weight") != nil {
      try appendSequence("conv1", stride: variant.stemStride ?? 2)
      if !isPreActivation { try appendNormalized("bn1") }
    } else {
      try appendConvolution("conv1", stride: try stemStride(), from: output)
      if let slopes = stemSlopes {
        try appendNormalization("bn1")
        try appendSlopes("bn1.relu", slopes)
      } else if !isPreActivation {
        try appendNormalized("bn1")
      }
      for index in 2...3 where hasDeepStem {
        try appendConvolution("conv\(index)", from: output)
        try appendNormalized("bn\(index)")
      }
    }
    try appendStemPooling()
    // By the operations, not by the map's sides, which are rounded up.
    strideSoFar = graph.nodes.reduce(1) { $0 * $1.operation.stride }
  }

  private func stemStride() throws(CheckpointError) -> Int {
    let side = try convolutionShape("conv1")[2]
    if let stated = variant.stemStride { return stated }
    // A filter after it strides.
    if filtersStem { return 1 }
    switch side {
    case 7: return 2
    case 3: return hasDeepStem ? 2 : 1
    default:
      throw .unsupported(
        "a first convolution of \(side)x\(side) numbers does not say whether it strides; say it "
          + "(--arch stem-stride=2,stem-pool=max)")
    }
  }

  /// Appends a normalisation and the activation.
  private mutating func appendNormalized(_ name: String) throws(CheckpointError) {
    try appendNormalization(name)
    try append("\(name).relu", activation)
  }

  /// Appends the modules `NAME.0`, `NAME.1`, … that have tensors: convolutions, of which the first
  /// strides, and normalisations, which are followed by the activation.
  private mutating func appendSequence(_ name: String, stride: Int) throws(CheckpointError) {
    var isFirst = true
    for index in 0..<Self.sequenceLimit {
      guard let shape = tensors.shape("\(name).\(index).weight") else { continue }
      if shape.count == 1 {
        try appendNormalized("\(name).\(index)")
      } else {
        try appendConvolution("\(name).\(index)", stride: isFirst ? stride : 1, from: output)
        isFirst = false
      }
    }
  }

  /// Modules of a stem.
  private static let sequenceLimit = 16

  private mutating func appendStemPooling() throws(CheckpointError) {
    if tensors.shape("maxpool.0.weight") != nil {
      // A convolution in place of the pooling (timm's RS).
      let filters = antiAliasing != .nothing
      try appendConvolution("maxpool.0", stride: filters ? 1 : 2, from: output)
      if filters { try appendFilter("maxpool.1", stride: 2) }
      return try appendNormalized(
        tensors.shape("maxpool.2.weight") != nil ? "maxpool.2" : "maxpool.1")
    }
    if parts.filtersConvolutions, variant.stemPooling == nil || variant.stemPooling == .max {
      return try appendFilteredPooling()
    }
    let side = try convolutionShape(tensors.shape("conv1.0.weight") == nil ? "conv1" : "conv1.0")[2]
    var usual = side == 3 && !hasDeepStem ? NetworkVariant.StemPooling.nothing : .max
    if isPreActivation, standardizesWeights, side == 7 {
      usual = .maxZero
      if variant.stemPooling == nil {
        assume("zeros stand around the map that the stem pools, as in BiT (--arch stem-pool=…)")
      }
    } else if tensors.isOfCaffe {
      usual = .maxCeil
    }
    try append(variant.stemPooling ?? usual)
  }

  private mutating func append(
    _ pooling: NetworkVariant.StemPooling
  ) throws(CheckpointError) {
    var window = Pooling(window: Extent(3), stride: Extent(2), padding: Padding(1))
    switch pooling {
    case .nothing: return
    case .max:
      switch antiAliasing {
      case .nothing: break
      case .average: return try appendFilter("maxpool", stride: 2)
      case .blur:
        window.stride = Extent(1)
        try append("maxpool.0", .maxPool(window))
        return try appendFilter("maxpool.1", stride: 2)
      }
    case .maxZero:
      try append("maxpool.pad", .pad(Padding(1)))
      window.padding = Padding(0)
    case .maxCeil:
      func cut(_ side: Int) -> Int { side > 3 ? (side - 3 + 1) / 2 * 2 + 3 - side : 0 }
      let after = Extent(height: cut(outputShape.height), width: cut(outputShape.width))
      window.padding = Padding(before: Extent(0), after: after)
    }
    try append("maxpool", .maxPool(window))
  }
}

extension Operation {
  /// Every which pixel of the input's rows gives one of the result's.
  fileprivate var stride: Int {
    switch self {
    case .convolution(let convolution): convolution.stride.height
    case .maxPool(let pooling), .averagePool(let pooling): pooling.stride.height
    default: 1
    }
  }
}
