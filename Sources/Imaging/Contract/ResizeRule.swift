/// Rule by which an image is scaled before it is cropped.
package enum ResizeRule: Sendable, Hashable {
  /// Leaves the image as it is.
  case none
  /// Makes the shorter side `size` and the longer `size * longer / shorter`, truncated to an
  /// integer as in torchvision.
  case shorterSide(size: Int, filter: ResizeFilter)
  /// Makes the image exactly this size, whatever its proportions.
  case exact(height: Int, width: Int, filter: ResizeFilter)
}

extension ResizeRule: Codable {
  private enum CodingKeys: String, CodingKey { case rule, size, height, width, filter }
  private enum Rule: String, Codable {
    case none
    case shorterSide = "shorter_side"
    case exact
  }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    switch try container.decode(Rule.self, forKey: .rule) {
    case .none:
      self = .none
    case .shorterSide:
      self = .shorterSide(
        size: try container.decode(Int.self, forKey: .size),
        filter: try container.decode(ResizeFilter.self, forKey: .filter))
    case .exact:
      self = .exact(
        height: try container.decode(Int.self, forKey: .height),
        width: try container.decode(Int.self, forKey: .width),
        filter: try container.decode(ResizeFilter.self, forKey: .filter))
    }
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    switch self {
    case .none:
      try container.encode(Rule.none, forKey: .rule)
    case .shorterSide(let size, let filter):
      try container.encode(Rule.shorterSide, forKey: .rule)
      try container.encode(size, forKey: .size)
      try container.encode(filter, forKey: .filter)
    case .exact(let height, let width, let filter):
      try container.encode(Rule.exact, forKey: .rule)
      try container.encode(height, forKey: .height)
      try container.encode(width, forKey: .width)
      try container.encode(filter, forKey: .filter)
    }
  }
}
