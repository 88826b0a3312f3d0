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

extension ResizeRule: Encodable {
  private enum CodingKeys: String, CodingKey { case rule, size, height, width, filter }
  private enum Rule: String, Codable, CaseIterable {
    case none
    case shorterSide = "shorter_side"
    case exact
  }

  /// Reads the rule of a contract.
  init(_ fields: ContractFields) throws(ImagingError) {
    let rule = try fields.requiredChoice("rule", Rule.self)
    let condition = " with the rule \(rule.rawValue)"
    let filter = try fields.choice("filter", ResizeFilter.self) ?? .bilinear
    switch rule {
    case .none:
      try fields.check(allowed: ["rule"], condition)
      self = .none
    case .shorterSide:
      try fields.check(allowed: ["rule", "size", "filter"], condition)
      self = .shorterSide(
        size: try fields.side("size", "write the length of the shorter side in pixels"),
        filter: filter)
    case .exact:
      try fields.check(allowed: ["rule", "height", "width", "filter"], condition)
      let remedy = "write the size of the resized image in pixels"
      self = .exact(
        height: try fields.side("height", remedy), width: try fields.side("width", remedy),
        filter: filter)
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
