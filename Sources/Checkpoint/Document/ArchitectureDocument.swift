package import ResNet

/// An architecture in a model file's JSON. Keys that have a default may be absent:
///
///     {"stem": "cifar", "block": "basic", "stages": [{"blocks": 3, "width": 16}, …],
///      "shortcut": "A", "stride_placement": "v1.5", "zero_channels": "trailing", "groups": 1,
///      "width_per_group": 64, "class_count": 10, "input_size": 32,
///      "normalization_epsilon": 1e-05}
package struct ArchitectureDocument: Codable {
  let architecture: Architecture

  private enum CodingKeys: String, CodingKey {
    case stem, block, stages, shortcut, groups
    case stridePlacement = "stride_placement"
    case zeroChannels = "zero_channels"
    case widthPerGroup = "width_per_group"
    case classCount = "class_count"
    case inputSize = "input_size"
    case normalizationEpsilon = "normalization_epsilon"
  }

  package init(_ architecture: Architecture) { self.architecture = architecture }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    var architecture = Architecture(
      stem: try container.decode(Architecture.Stem.self, forKey: .stem),
      block: try container.decode(Architecture.Block.self, forKey: .block),
      stages: try container.decode([Architecture.Stage].self, forKey: .stages),
      shortcut: try container.decode(Architecture.Shortcut.self, forKey: .shortcut),
      classCount: try container.decode(Int.self, forKey: .classCount),
      inputSize: try container.decode(Int.self, forKey: .inputSize))
    func optional<Value: Decodable>(_ key: CodingKeys, _ value: inout Value) throws {
      if let found = try container.decodeIfPresent(Value.self, forKey: key) { value = found }
    }
    try optional(.stridePlacement, &architecture.stridePlacement)
    try optional(.zeroChannels, &architecture.zeroChannels)
    try optional(.groups, &architecture.groups)
    try optional(.widthPerGroup, &architecture.widthPerGroup)
    try optional(.normalizationEpsilon, &architecture.normalizationEpsilon)
    let epsilon = architecture.normalizationEpsilon
    guard epsilon > 0, epsilon.isFinite else {
      throw DecodingError.dataCorruptedError(
        forKey: .normalizationEpsilon, in: container,
        debugDescription: "normalization_epsilon must be finite and above 0")
    }
    self.architecture = architecture
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(architecture.stem, forKey: .stem)
    try container.encode(architecture.block, forKey: .block)
    try container.encode(architecture.stages, forKey: .stages)
    try container.encode(architecture.shortcut, forKey: .shortcut)
    try container.encode(architecture.stridePlacement, forKey: .stridePlacement)
    try container.encode(architecture.zeroChannels, forKey: .zeroChannels)
    try container.encode(architecture.groups, forKey: .groups)
    try container.encode(architecture.widthPerGroup, forKey: .widthPerGroup)
    try container.encode(architecture.classCount, forKey: .classCount)
    try container.encode(architecture.inputSize, forKey: .inputSize)
    try container.encode(architecture.normalizationEpsilon, forKey: .normalizationEpsilon)
  }
}
