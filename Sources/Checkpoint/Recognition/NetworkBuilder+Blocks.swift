import ResNet

/// The residual blocks.
extension NetworkBuilder {
  /// What a block does with the map's sides.
  struct Step {
    var stride: Int
    /// Dilation of the convolution that would stride, and of those after it.
    var firstDilation: Int
    var dilation: Int
  }

  /// - Parameter isLast: Whether the stage is the last one.
  mutating func appendBlock(stage: Int, _ block: Int, isLast: Bool) throws(CheckpointError) {
    let name = "layer\(stage + 1).\(block)"
    var step = Step(stride: 1, firstDilation: dilation, dilation: dilation)
    if block == 0 {
      step.stride =
        stage == 0
        ? variant.firstStageStride ?? (isForFaces ? 2 : 1)
        : isLast ? variant.lastStageStride ?? 2 : 2
      if dilates(stage) {
        dilation *= step.stride
        step.stride = 1
      } else {
        strideSoFar *= step.stride
      }
      step.dilation = dilation
    }
    if isForFaces {
      try appendFaceBlock(name, step)
    } else if isPreActivation {
      try appendPreActivationBlock(name, step)
    } else {
      try appendBlock(name, step)
    }
  }

  /// Returns whether a stage dilates instead of striding.
  private func dilates(_ stage: Int) -> Bool {
    if let stages = variant.dilatedStages { return stages.contains(stage + 1) }
    // At 32 nothing dilates, however many stages there are.
    guard let limit = variant.outputStride, limit < 32 else { return false }
    return strideSoFar >= limit
  }

  func checkDilation(stageCount: Int) throws(CheckpointError) {
    guard let stages = variant.dilatedStages else { return }
    if let limit = variant.outputStride, limit < 32 {
      throw .variant(
        "output-stride=\(limit) and dilated-stages both say which stages dilate; give one of them")
    }
    if let last = stages.last, last > stageCount {
      throw .variant("dilated-stages has stage \(last), the network has \(stageCount)")
    }
  }

  var isBottleneck: Bool { tensors.shape("layer1.0.conv3.weight") != nil }

  /// Number of the convolution that strides.
  private mutating func stridingConvolution() -> Int {
    guard isBottleneck else { return variant.basicStride == .second ? 2 : 1 }
    // Before its filter stands the 3x3 convolution.
    if parts.filtersConvolutions { return 2 }
    if let stated = variant.stridePlacement { return stated == .in1x1 ? 1 : 2 }
    let usual =
      tensors.isOfCaffe
      && tensors.shape("layer1.0.conv2.weight")?[1]
        == tensors.shape("layer1.0.conv1.weight")?[0]
    if usual {
      assume("bottlenecks stride in their first convolution (v1, as Caffe's SE-ResNet)")
    } else if !isPreActivation {
      assume(Self.assumedStride)
    }
    return usual ? 1 : 2
  }

  /// Appends a block whose activation comes last (He et al. 2015). The shortcut comes first, so that
  /// the sum can be fused into the main path's last convolution.
  private mutating func appendBlock(_ name: String, _ step: Step) throws(CheckpointError) {
    let input = output
    let shortcut = try appendShortcut(name, step, from: input, block: input)
    var last = input
    let count = isBottleneck ? 3 : 2
    for index in 1...count {
      try appendNormalizedConvolution(name, index, step, from: last)
      if index < count {
        try appendActivation(
          "\(name).relu\(index)", index, of: name, variant.innerActivation ?? activation)
        try appendFilter(name, after: index, step)
      }
      last = output
    }
    // Caffe's basic blocks have one more (SEResNetBlock of timm/models/senet.py).
    if tensors.isOfCaffe, !isBottleneck { try append("\(name).relu\(count)", activation) }
    try appendAttention(name)
    try append("\(name).add", .add, [output, shortcut])
    if tensors.shape("\(name).IN.weight") != nil {
      try appendInstanceNormalization("\(name).IN")
    }
    try appendActivation("\(name).relu", count, of: name, activation)
  }

  private mutating func appendNormalizedConvolution(
    _ name: String, _ index: Int, _ step: Step, from input: Graph.NodeID
  ) throws(CheckpointError) {
    let norm = "\(name).bn\(index)"
    let parts = try instanceParts(of: convolution(name, index), norm, from: input)
    guard !parts.isEmpty else {
      _ = try appendConvolution(name, index, step, from: input)
      return try appendNormalization(norm)
    }
    var normalized: [Graph.NodeID] = []
    for part in parts {
      _ = try appendConvolution(name, index, step, from: input, part: part)
      if normalized.isEmpty {
        try appendInstanceNormalization("\(norm).IN")
      } else {
        try appendNormalization("\(norm).BN")
      }
      normalized.append(output)
    }
    try append(norm, .concatenation, normalized)
  }

  /// Appends a block of ResNetV2 (He et al. 2016): normalisation and activation stand before each
  /// convolution, and a projection reads what comes of the first, unless the variant says otherwise.
  private mutating func appendPreActivationBlock(
    _ name: String, _ step: Step
  ) throws(CheckpointError) {
    let input = output
    try appendNormalization("\(name).bn1")
    try append("\(name).relu1", activation)
    let activated = output
    let shortcut = try appendShortcut(
      name, step, from: variant.projectsRawInput == true ? input : activated, block: input)
    var last = activated
    for index in 1...(isBottleneck ? 3 : 2) {
      if index > 1 {
        try appendNormalization("\(name).bn\(index)")
        try append("\(name).relu\(index)", variant.innerActivation ?? activation)
        last = output
      }
      last = try appendConvolution(name, index, step, from: last)
    }
    try appendAttention(name)
    try append("\(name).add", .add, [output, shortcut])
  }

  /// Returns the name of a block's convolution, which may stand after a filter.
  private func convolution(_ block: String, _ index: Int) -> String {
    let name = "\(block).conv\(index)"
    return tensors.shape("\(name).0.filt") == nil ? name : "\(name).1"
  }

  private mutating func appendConvolution(
    _ name: String, _ index: Int, _ step: Step, from given: Graph.NodeID, part: Part? = nil
  ) throws(CheckpointError) -> Graph.NodeID {
    var input = given
    let filter = "\(name).conv\(index).0"
    let isFiltered = parts.filtersConvolutions || antiAliasing != .nothing && !isPreActivation
    if tensors.shape("\(filter).filt") != nil {
      input = try appendStoredFilter(filter, stride: step.stride, from: input)
    }
    let strides = index == stridingConvolution()
    let module = convolution(name, index)
    let side = try convolutionShape(module)[2]
    // In basic blocks, the second convolution has the later dilation.
    let dilation = strides || index == 1 ? step.firstDilation : step.dilation
    try appendConvolution(
      module, stride: strides && !isFiltered ? step.stride : 1,
      dilation: side == 1 ? 1 : dilation, from: input, part: part)
    return output
  }

  private mutating func appendFilter(
    _ name: String, after index: Int, _ step: Step
  ) throws(CheckpointError) {
    guard !parts.filtersConvolutions, index == stridingConvolution(),
      step.stride == 2 || step.firstDilation != step.dilation
    else { return }
    try appendFilter("\(name).aa", stride: step.stride)
  }

  // MARK: Shortcuts

  /// Appends what is added to the main path.
  ///
  /// - Parameters:
  ///   - input: What a projection reads.
  ///   - block: The block's input, which is added as it is where nothing changes.
  mutating func appendShortcut(
    _ name: String, _ step: Step, from input: Graph.NodeID, block: Graph.NodeID
  ) throws(CheckpointError) -> Graph.NodeID {
    let channels = try convolutionShape(convolution(name, isBottleneck ? 3 : 2))[0]
    let modules = parts.modules(of: "\(name).downsample")
    let changes = step.stride != 1 || shapes[block].channels != channels
    guard !modules.isEmpty else {
      guard changes else { return block }
      return try appendPaddedShortcut(name, channels, step.stride, from: block)
    }
    let isConvolution = { (module: String) in
      self.tensors.shape("\(name).downsample.\(module).weight")?.count == 4
    }
    guard let first = modules.first(where: isConvolution) else {
      throw .missingTensor(
        name: "\(name).downsample.0.weight", expected: [channels, shapes[input].channels, 1, 1])
    }
    let filter = "\(name).downsample.0"
    if tensors.shape("\(filter).filt") != nil {
      let filtered = try appendStoredFilter(filter, stride: step.stride, from: input)
      try appendConvolution("\(name).downsample.\(first)", from: filtered)
    } else if averagesShortcuts(first) {
      let means = try appendAveraging("\(name).downsample.pool", step, from: input)
      try appendConvolution("\(name).downsample.\(first)", from: means)
    } else {
      let module = "\(name).downsample.\(first)"
      let isPixelwise = tensors.shape("\(module).weight")?[2] == 1
      try appendConvolution(
        module, stride: step.stride, dilation: isPixelwise ? 1 : step.firstDilation, from: input)
    }
    let position = (Int(first) ?? 0) + 1
    let norm = "\(name).downsample.\(position)"
    // Without a normalisation of its own only where blocks begin with one.
    if !isPreActivation || tensors.width(ofNormalization: norm) != nil {
      try appendNormalization(norm)
    }
    return output
  }

  /// Returns whether a shortcut's projection stands behind an average; a module without tensors
  /// before it is one.
  private mutating func averagesShortcuts(_ projection: String) -> Bool {
    if let stated = variant.averagesShortcuts { return stated }
    guard projection == "0" else {
      if variant.named?.hasDeepStem != true {
        assume(
          "shortcuts take means of 2x2 pixels where they stride, for a module without tensors stands before "
            + "their projections (--arch shortcut-pool=…)")
      }
      return true
    }
    guard isPreActivation, hasDeepStem else { return false }
    assume("shortcuts take means, as in timm's networks with such a stem (--arch shortcut-pool=…)")
    return true
  }

  /// Appends timm's average of a shortcut, whose last windows are cut where the map ends; the
  /// projection reads the input as it is where nothing strides.
  private mutating func appendAveraging(
    _ name: String, _ step: Step, from input: Graph.NodeID
  ) throws(CheckpointError) -> Graph.NodeID {
    guard step.stride > 1 || step.dilation > 1 else { return input }
    let shape = shapes[input]
    var pooling = Pooling(window: Extent(2), stride: Extent(step.stride))
    if step.stride == 1 {
      pooling.padding = Padding(before: Extent(0), after: Extent(1))
    } else {
      pooling.padding = Padding(
        before: Extent(0), after: Extent(height: shape.height % 2, width: shape.width % 2))
      pooling.countsPadding = false
    }
    return try append(name, .averagePool(pooling), [input])
  }

  private mutating func appendPaddedShortcut(
    _ name: String, _ channels: Int, _ stride: Int, from input: Graph.NodeID
  ) throws(CheckpointError) -> Graph.NodeID {
    let added = channels - shapes[input].channels
    guard added >= 0, !parts.contains("downsample")
    else {
      throw .missingTensor(
        name: "\(name).downsample.0.weight", expected: [channels, shapes[input].channels, 1, 1])
    }
    padsShortcuts = true
    let usual = tensors.hasLinearClassifier ? Architecture.ZeroChannels.centered : .trailing
    if variant.zeroChannels == nil { assume(Self.assumedShortcut(usual)) }
    let isCentered = (variant.zeroChannels ?? usual) == .centered
    return try append(
      "\(name).shortcut",
      .paddedShortcut(
        PaddedShortcut(
          channels: channels, stride: stride, leadingZeroChannels: isCentered ? added / 2 : 0)),
      [input])
  }
}
