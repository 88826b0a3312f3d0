/// Treatment of images that are not eight-bit RGB, upright and opaque.
package struct ImagePolicies: Sendable, Hashable {
  package enum Alpha: Sendable, Hashable {
    /// Composed over this colour: `(c * alpha + background * (255 - alpha)) / 255`, rounded to
    /// nearest.
    case compose(red: UInt8, green: UInt8, blue: UInt8)
    /// Drops alpha and keeps the stored colours, as Pillow's `convert("RGB")` does.
    case drop
    case refuse
  }
  package enum Grey: String, Sendable, Hashable, Codable {
    /// Repeats the one channel three times.
    case replicate
    case refuse
  }
  package enum CMYK: String, Sendable, Hashable, Codable {
    /// Converts by Pillow's formula, without colour profiles; stored values are read as Adobe's,
    /// inverted.
    case convert
    case refuse
  }
  package enum SixteenBit: String, Sendable, Hashable, Codable {
    /// Keeps the upper eight bits of each sample.
    case highByte = "high_byte"
    case refuse
  }
  package enum EXIFOrientation: String, Sendable, Hashable, Codable {
    case apply
    case ignore
  }

  package var alpha = Alpha.compose(red: 255, green: 255, blue: 255)
  package var grey = Grey.replicate
  package var cmyk = CMYK.convert
  package var sixteenBit = SixteenBit.highByte
  package var exifOrientation = EXIFOrientation.apply

  package init() {}
}

extension ImagePolicies.Alpha: Codable {
  private enum CodingKeys: String, CodingKey { case policy, background }
  private enum Policy: String, Codable { case compose, drop, refuse }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    switch try container.decode(Policy.self, forKey: .policy) {
    case .compose:
      let background = try container.decode([UInt8].self, forKey: .background)
      guard background.count == 3 else {
        throw DecodingError.dataCorruptedError(
          forKey: .background, in: container,
          debugDescription: "background must be three numbers from 0 to 255")
      }
      self = .compose(red: background[0], green: background[1], blue: background[2])
    case .drop:
      self = .drop
    case .refuse:
      self = .refuse
    }
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    switch self {
    case .compose(let red, let green, let blue):
      try container.encode(Policy.compose, forKey: .policy)
      try container.encode([red, green, blue], forKey: .background)
    case .drop:
      try container.encode(Policy.drop, forKey: .policy)
    case .refuse:
      try container.encode(Policy.refuse, forKey: .policy)
    }
  }
}
