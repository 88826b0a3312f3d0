import ResNet
import Words

/// Recognition of an architecture of the paper's family by the shapes of a plain file's tensors;
/// `NetworkBuilder` says what is wrong with those of none.
///
/// They leave open: stride placement, taken as v1.5 (torchvision, timm, Hugging Face); input size,
/// taken as 224 for the ImageNet stem and 32 for the CIFAR stem; where option A pads, taken as
/// centred for akamaster's names.
extension Architecture {
  init?(recognizing tensors: NamedTensors) {
    guard let stem = Self.stem(tensors), let classifier = tensors.shape("fc.weight"),
      classifier.count == 2
    else { return nil }
    let block: Block = tensors.shape("layer1.0.conv3.weight") == nil ? .basic : .bottleneck
    var stages: [Stage] = []
    for (index, blocks) in tensors.blockCounts.enumerated() {
      let last = "layer\(index + 1).0.conv\(block == .basic ? 2 : 3).weight"
      guard let outputs = tensors.shape(last)?.first else { return nil }
      stages.append(Stage(blocks: blocks, width: outputs / block.expansion))
    }
    guard !stages.isEmpty else { return nil }
    self.init(
      stem: stem, block: block, stages: stages, shortcut: .b, classCount: classifier[0],
      inputSize: stem == .imageNet ? 224 : 32)
    shortcut = Self.shortcut(of: self, tensors)
    if shortcut == .a, tensors.hasLinearClassifier { zeroChannels = .centered }
    if block == .bottleneck, !recognizeGroups(tensors) { return nil }
  }

  private static func stem(_ tensors: NamedTensors) -> Stem? {
    switch tensors.shape("conv1.weight")?.dropFirst() {
    case [3, 7, 7]: .imageNet
    case [3, 3, 3]: .cifar
    default: nil
    }
  }

  /// Recognises a 3x3 convolution `[groups * w, w, 3, 3]`, with `w` being width x widthPerGroup /
  /// 64; returns whether it is one.
  private mutating func recognizeGroups(_ tensors: NamedTensors) -> Bool {
    guard let shape = tensors.shape("layer1.0.conv2.weight"), shape.count == 4 else { return false }
    let (inner, perGroup, width) = (shape[0], shape[1], stages[0].width)
    guard 1...Self.widthLimit ~= width, 1...Self.widthLimit ~= perGroup,
      inner.isMultiple(of: perGroup)
    else { return false }
    groups = inner / perGroup
    // Rounded up, because the division by 64 that it inverts rounds down.
    widthPerGroup = (perGroup * 64 + width - 1) / width
    return true
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
    let projectsAnywhere = tensors.parameters.keys.contains { $0.containsText(".downsample.") }
    return lacksProjection && !projectsAnywhere ? .a : .b
  }
}
