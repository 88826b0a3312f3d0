/// Part of the resized image that the network sees.
package enum CropRule: Sendable, Hashable {
  /// The whole image; allowed only after an exact resize, for the network's input has one size.
  case none
  /// The middle, as in torchvision's `CenterCrop`: a side that is too small is padded with black.
  case center(height: Int, width: Int)
}

extension CropRule: Codable {
  private enum CodingKeys: String, CodingKey { case rule, height, width }
  private enum Rule: String, Codable { case none, center }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    switch try container.decode(Rule.self, forKey: .rule) {
    case .none:
      self = .none
    case .center:
      self = .center(
        height: try container.decode(Int.self, forKey: .height),
        width: try container.decode(Int.self, forKey: .width))
    }
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    switch self {
    case .none:
      try container.encode(Rule.none, forKey: .rule)
    case .center(let height, let width):
      try container.encode(Rule.center, forKey: .rule)
      try container.encode(height, forKey: .height)
      try container.encode(width, forKey: .width)
    }
  }
}
