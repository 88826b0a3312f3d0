/// Rule by which an image is scaled before it is cropped.
package enum ResizeRule: Sendable, Hashable {
  /// Leaves the image as it is.
  case none
  /// Makes the shorter side `size` and the longer `size * longer / shorter`, truncated to an
  /// integer as in torchvision.
  case shorterSide(size: Int, filter: ResizeFilter)
  /// Makes the image exactly this size, whatever its proportions.
  case exact(height: Int, width: Int, filter: ResizeFilter)
  /// Makes the image as large as it fits and fills up both sides of it, as Pillow's `ImageOps.pad`.
  case letterbox(height: Int, width: Int, filter: ResizeFilter, fill: Colour)

  /// Size of the resized image if it does not depend on the image.
  var size: (height: Int, width: Int)? {
    switch self {
    case .none, .shorterSide: nil
    case .exact(let height, let width, _), .letterbox(let height, let width, _, _): (height, width)
    }
  }

  package var filter: ResizeFilter {
    switch self {
    case .none: .bilinear
    case .shorterSide(_, let filter), .exact(_, _, let filter), .letterbox(_, _, let filter, _):
      filter
    }
  }
}

extension ResizeRule: Encodable {
  private enum CodingKeys: String, CodingKey { case rule, size, height, width, filter, fill }
  private enum Rule: String, Codable, CaseIterable {
    case none
    case shorterSide = "shorter_side"
    case exact
    case letterbox
    /// timm's; it is `shorterSide` or `exact` once it is read.
    case cropFraction = "crop_fraction"

    var keys: [String] {
      switch self {
      case .none: ["rule"]
      case .shorterSide: ["rule", "size", "filter"]
      case .exact: ["rule", "height", "width", "filter"]
      case .letterbox: ["rule", "height", "width", "filter", "fill"]
      case .cropFraction: ["rule", "fraction", "mode", "filter"]
      }
    }
  }

  /// Reads the rule of a contract that has this crop.
  init(_ fields: ContractFields, crop: CropRule) throws(ImagingError) {
    let rule = try fields.requiredChoice("rule", Rule.self)
    try fields.check(allowed: rule.keys, " with the rule \(rule.rawValue)")
    let filter = try fields.choice("filter", ResizeFilter.self) ?? .bilinear
    let remedy = "write the size of the resized image in pixels"
    switch rule {
    case .none:
      self = .none
    case .shorterSide:
      self = .shorterSide(
        size: try fields.side("size", "write the length of the shorter side in pixels"),
        filter: filter)
    case .exact:
      self = .exact(
        height: try fields.side("height", remedy), width: try fields.side("width", remedy),
        filter: filter)
    case .letterbox:
      self = .letterbox(
        height: try fields.side("height", remedy), width: try fields.side("width", remedy),
        filter: filter, fill: try fields.colour("fill") ?? .black)
    case .cropFraction:
      self = try CropFraction(fields).resize(for: crop, filter: filter)
    }
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    let rule: Rule
    switch self {
    case .none:
      rule = .none
    case .shorterSide(let size, _):
      rule = .shorterSide
      try container.encode(size, forKey: .size)
    case .exact:
      rule = .exact
    case .letterbox(_, _, _, let fill):
      rule = .letterbox
      try container.encode(fill, forKey: .fill)
    }
    try container.encode(rule, forKey: .rule)
    if rule != .none { try container.encode(filter, forKey: .filter) }
    if let (height, width) = size {
      try container.encode(height, forKey: .height)
      try container.encode(width, forKey: .width)
    }
  }
}

/// Size of the crop as a part of the resized image: timm's `crop_pct` and `crop_mode`, by the rules
/// of `transforms_imagenet_eval` in its `data/transforms_factory.py`.
private struct CropFraction {
  private enum Mode: String, CaseIterable { case center, squash }

  private let fraction: Double
  private let mode: Mode

  init(_ fields: ContractFields) throws(ImagingError) {
    fraction = try fields.fraction("fraction", "write the crop's part of the resized image")
    mode = try fields.choice("mode") ?? .center
  }

  func resize(for crop: CropRule, filter: ResizeFilter) throws(ImagingError) -> ResizeRule {
    guard case .center(let height, let width, _) = crop else {
      throw .invalidContract(
        reason: "the rule crop_fraction of resize needs the size of the crop: write "
          + #""crop": {"rule": "center", "height": 224, "width": 224}, with the input's size"#)
    }
    // What is beyond the limit of a side is refused later, so it only has to be an integer.
    let scaled = { (side: Int) in Int(min((Double(side) / fraction).rounded(.down), 1e9)) }
    switch mode {
    case .squash:
      return .exact(height: scaled(height), width: scaled(width), filter: filter)
    case .center:
      guard height == width else {
        throw .invalidContract(
          reason: "resize.mode is center, but crop is \(height)x\(width), not a square: write "
            + #""mode": "squash", or resize with the rule shorter_side"#)
      }
      return .shorterSide(size: scaled(height), filter: filter)
    }
  }
}
