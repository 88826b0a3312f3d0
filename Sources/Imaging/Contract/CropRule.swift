/// Part of the resized image that the network sees.
package enum CropRule: Sendable, Hashable {
  /// The whole image; allowed only after an exact resize, for the network's input has one size.
  case none
  /// The middle, as in torchvision's `CenterCrop`: a side that is too small is padded with black.
  case center(height: Int, width: Int, rounding: Rounding = .halfEven)

  /// Where the middle begins if what is cut off, or filled up, has an odd number of pixels.
  package enum Rounding: String, Sendable, Hashable, Codable, CaseIterable {
    /// The half is rounded to even, as in torchvision.
    case halfEven = "half_even"
    /// It is rounded down, as in Hugging Face's processors; of what is filled up the odd pixel comes
    /// after the image, as in torchvision and those that use it.
    case down
    /// It is rounded down, and the odd pixel of what is filled up comes before the image, as in
    /// Hugging Face's processors by Pillow and NumPy.
    case floor
  }
}

extension CropRule: Encodable {
  private enum CodingKeys: String, CodingKey { case rule, height, width, rounding }
  private enum Rule: String, Codable, CaseIterable { case none, center }

  /// Reads the rule of a contract.
  init(_ fields: ContractFields) throws(ImagingError) {
    switch try fields.requiredChoice("rule", Rule.self) {
    case .none:
      try fields.check(allowed: ["rule"], " with the rule none")
      self = .none
    case .center:
      try fields.check(allowed: ContractKey.crop)
      let remedy = "write the size of the network's input in pixels"
      self = .center(
        height: try fields.side("height", remedy), width: try fields.side("width", remedy),
        rounding: try fields.choice("rounding") ?? .halfEven)
    }
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    switch self {
    case .none:
      try container.encode(Rule.none, forKey: .rule)
    case .center(let height, let width, let rounding):
      try container.encode(Rule.center, forKey: .rule)
      try container.encode(height, forKey: .height)
      try container.encode(width, forKey: .width)
      if rounding != .halfEven { try container.encode(rounding, forKey: .rounding) }
    }
  }
}
