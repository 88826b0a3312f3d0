/// The published networks: Table 1 and section 4.2 of He et al. 2015, ResNeXt (Xie et al. 2017),
/// Wide ResNet (Zagoruyko and Komodakis 2016), by torchvision's names.
extension Architecture {
  /// Names of the networks for 224x224 pixels and 1,000 classes. There is also `resnetD-cifar` for
  /// every D = 6n + 2, and `resnet18-64`, `resnet34-64` and their halves for 64x64 pixels.
  package static let knownNames = [
    "resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "resnext50_32x4d",
    "resnext101_32x8d", "resnext101_64x4d", "wide_resnet50_2", "wide_resnet101_2",
  ]

  /// Layers of the deepest CIFAR network that a name may ask for; the paper's deepest has 1,202.
  package static let cifarDepthLimit = 6 * stageBlockCountLimit + 2

  package static func named(_ name: String) -> Architecture? {
    switch name {
    case "resnet18": imageNet(.basic, [2, 2, 2, 2])
    case "resnet34": imageNet(.basic, [3, 4, 6, 3])
    case "resnet50": imageNet(.bottleneck, [3, 4, 6, 3])
    case "resnet101": imageNet(.bottleneck, [3, 4, 23, 3])
    case "resnet152": imageNet(.bottleneck, [3, 8, 36, 3])
    case "resnext50_32x4d": imageNet(.bottleneck, [3, 4, 6, 3], groups: 32, widthPerGroup: 4)
    case "resnext101_32x8d": imageNet(.bottleneck, [3, 4, 23, 3], groups: 32, widthPerGroup: 8)
    case "resnext101_64x4d": imageNet(.bottleneck, [3, 4, 23, 3], groups: 64, widthPerGroup: 4)
    case "wide_resnet50_2": imageNet(.bottleneck, [3, 4, 6, 3], widthPerGroup: 128)
    case "wide_resnet101_2": imageNet(.bottleneck, [3, 4, 23, 3], widthPerGroup: 128)
    case "resnet18-64": small([2, 2, 2, 2], width: 64)
    case "resnet18-half-64": small([2, 2, 2, 2], width: 32)
    case "resnet34-64": small([3, 4, 6, 3], width: 64)
    case "resnet34-half-64": small([3, 4, 6, 3], width: 32)
    default: cifar(named: name)
    }
  }

  /// Makes a network of section 4.2: three stages of `n` basic blocks with 16, 32 and 64 channels,
  /// option A; nil unless `depth` is 6n + 2 and at most `cifarDepthLimit`.
  package static func cifar(depth: Int, classCount: Int = 10) -> Architecture? {
    guard 8...cifarDepthLimit ~= depth, (depth - 2).isMultiple(of: 6) else { return nil }
    let blocks = (depth - 2) / 6
    return Architecture(
      stem: .cifar, block: .basic,
      stages: [16, 32, 64].map { Stage(blocks: blocks, width: $0) }, shortcut: .a,
      classCount: classCount, inputSize: 32)
  }

  private static func cifar(named name: String) -> Architecture? {
    let prefix = "resnet"
    let suffix = "-cifar"
    guard name.hasPrefix(prefix), name.hasSuffix(suffix) else { return nil }
    guard let depth = Int(name.dropFirst(prefix.count).dropLast(suffix.count)) else { return nil }
    return cifar(depth: depth)
  }

  /// Makes a network for 64x64 pixels: a strided 3x3 convolution in place of the 7x7 one and the
  /// pooling, so that the first stage sees 32x32.
  ///
  /// - Parameter width: Channels of the first stage; ImageNet's networks have 64.
  private static func small(_ blocks: [Int], width: Int) -> Architecture {
    Architecture(
      stem: .strided, block: .basic,
      stages: blocks.enumerated().map { Stage(blocks: $1, width: width << $0) },
      shortcut: .b, classCount: 200, inputSize: 64)
  }

  private static func imageNet(
    _ block: Block, _ blocks: [Int], groups: Int = 1, widthPerGroup: Int = 64
  ) -> Architecture {
    var architecture = Architecture(
      stem: .imageNet, block: block,
      stages: zip(blocks, [64, 128, 256, 512]).map { Stage(blocks: $0, width: $1) },
      shortcut: .b, classCount: 1000, inputSize: 224)
    architecture.groups = groups
    architecture.widthPerGroup = widthPerGroup
    return architecture
  }
}
