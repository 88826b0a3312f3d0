import ResNet

/// Recognition of an architecture by the shapes of a plain file's tensors.
///
/// They leave open: stride placement, taken as v1.5 (torchvision, timm, Hugging Face); input size,
/// taken as 224 for the ImageNet stem and 32 for the CIFAR stem; where option A pads, taken as
/// centred for akamaster's names.
extension Architecture {
  init(recognizing tensors: NamedTensors) throws(CheckpointError) {
    let stem = try Self.stem(tensors)
    let blockCounts = Self.blockCounts(tensors)
    guard !blockCounts.isEmpty else { throw .unsupported("no tensor layer1.0.conv1.weight") }
    let block: Block = tensors.shape("layer1.0.conv3.weight") == nil ? .basic : .bottleneck
    var stages: [Stage] = []
    for (index, blocks) in blockCounts.enumerated() {
      let last = "layer\(index + 1).0.conv\(block == .basic ? 2 : 3).weight"
      let outputs = try Self.convolutionShape(last, tensors)[0]
      stages.append(Stage(blocks: blocks, width: outputs / block.expansion))
    }
    guard let classifier = tensors.parameters["fc.weight"], classifier.shape.count == 2 else {
      throw .unsupported("no classifier (fc.weight) of two dimensions")
    }
    self.init(
      stem: stem, block: block, stages: stages, shortcut: .b,
      classCount: classifier.shape[0], inputSize: stem == .imageNet ? 224 : 32)
    shortcut = Self.shortcut(of: self, tensors)
    if shortcut == .a, tensors.hasLinearClassifier { zeroChannels = .centered }
    if block == .bottleneck { try recognizeGroups(tensors) }
  }

  private static func stem(_ tensors: NamedTensors) throws(CheckpointError) -> Stem {
    let shape = try convolutionShape("conv1.weight", tensors)
    switch shape[1...] {
    case [3, 7, 7]: return .imageNet
    case [3, 3, 3]: return .cifar
    default: throw .unsupported("a first convolution of shape \(shape)")
    }
  }

  private static func convolutionShape(
    _ name: String, _ tensors: NamedTensors
  ) throws(CheckpointError) -> [Int] {
    guard let entry = tensors.parameters[name] else {
      throw .unsupported("no tensor \(name)")
    }
    guard entry.shape.count == 4, !entry.shape.contains(0) else {
      throw .tensor(
        name: name, offset: entry.offset,
        reason: "shape \(entry.shape) is not that of a convolution")
    }
    return entry.shape
  }

  /// Counts consecutive blocks from zero, stage by stage; any after a gap are reported later as
  /// left over.
  private static func blockCounts(_ tensors: NamedTensors) -> [Int] {
    var counts: [Int] = []
    while counts.count <= stageCountLimit {
      var blocks = 0
      while blocks <= stageBlockCountLimit,
        tensors.shape("layer\(counts.count + 1).\(blocks).conv1.weight") != nil
      { blocks += 1 }
      if blocks == 0 { break }
      counts.append(blocks)
    }
    return counts
  }

  /// Recognises a 3x3 convolution `[groups * w, w, 3, 3]`, with `w` being width x widthPerGroup /
  /// 64.
  private mutating func recognizeGroups(_ tensors: NamedTensors) throws(CheckpointError) {
    let shape = try Self.convolutionShape("layer1.0.conv2.weight", tensors)
    let (inner, perGroup, width) = (shape[0], shape[1], stages[0].width)
    guard width > 0, inner.isMultiple(of: perGroup) else {
      throw .unsupported("a grouped convolution of shape \(shape) in a block of width \(width)")
    }
    guard perGroup <= Self.widthLimit, width <= Self.widthLimit else {
      throw .overLimit(what: "channels", value: max(perGroup, width), limit: Self.widthLimit)
    }
    groups = inner / perGroup
    // Rounded up, because the division by 64 that it inverts rounds down.
    widthPerGroup = (perGroup * 64 + width - 1) / width
  }

  /// Returns C if all blocks project, B if those that change the shape do, A if none does.
  private static func shortcut(of network: Architecture, _ tensors: NamedTensors) -> Shortcut {
    var projectsUnchanged = false
    var lacksProjection = false
    var channels = tensors.shape("conv1.weight")?.first ?? 0
    for (index, stage) in network.stages.enumerated() {
      let outputs = stage.width * network.block.expansion
      for block in 0..<stage.blocks {
        let changes = block == 0 && (index > 0 || channels != outputs)
        let projects = tensors.shape("layer\(index + 1).\(block).downsample.0.weight") != nil
        if projects, !changes { projectsUnchanged = true }
        if changes, !projects { lacksProjection = true }
      }
      channels = outputs
    }
    if projectsUnchanged { return .c }
    let projectsAnywhere = tensors.parameters.keys.contains { $0.contains(".downsample.") }
    return lacksProjection && !projectsAnywhere ? .a : .b
  }
}
