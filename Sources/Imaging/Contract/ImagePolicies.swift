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
  package enum Grey: String, Sendable, Hashable, Encodable, CaseIterable {
    /// Repeats the one channel three times.
    case replicate
    case refuse
  }
  package enum CMYK: String, Sendable, Hashable, Encodable, CaseIterable {
    /// Converts by Pillow's formula, without colour profiles; stored values are read as Adobe's,
    /// inverted.
    case convert
    case refuse
  }
  package enum SixteenBit: String, Sendable, Hashable, Encodable, CaseIterable {
    /// Keeps the upper eight bits of each sample.
    case highByte = "high_byte"
    case refuse
  }
  package enum EXIFOrientation: String, Sendable, Hashable, Encodable, CaseIterable {
    case apply
    case ignore
  }
  package enum ColourProfile: String, Sendable, Hashable, Encodable, CaseIterable {
    /// Takes the stored numbers, whatever an embedded profile says of them.
    case ignore
    /// Converts to sRGB by the embedded ICC profile, if there is one.
    case sRGB = "srgb"
  }

  package var alpha = Alpha.compose(red: 255, green: 255, blue: 255)
  package var grey = Grey.replicate
  package var cmyk = CMYK.convert
  package var sixteenBit = SixteenBit.highByte
  package var exifOrientation = EXIFOrientation.apply
  package var colourProfile = ColourProfile.ignore

  package init() {}
}

extension ImagePolicies {
  /// Reads the policies of a contract; those that it does not name keep their defaults.
  init(_ fields: ContractFields) throws(ImagingError) {
    self.init()
    if let alpha = try fields.object("alpha") { self.alpha = try Alpha(alpha) }
    grey = try fields.choice("grey") ?? grey
    cmyk = try fields.choice("cmyk") ?? cmyk
    sixteenBit = try fields.choice("sixteen_bit") ?? sixteenBit
    exifOrientation = try fields.choice("exif_orientation") ?? exifOrientation
    colourProfile = try fields.choice("color_profile") ?? colourProfile
  }
}

extension ImagePolicies.Alpha: Encodable {
  private enum CodingKeys: String, CodingKey { case policy, background }
  private enum Policy: String, Codable, CaseIterable { case compose, drop, refuse }

  fileprivate init(_ fields: ContractFields) throws(ImagingError) {
    let policy = try fields.choice("policy", Policy.self) ?? .compose
    switch policy {
    case .compose:
      try fields.check(allowed: ContractKey.alpha)
      let colour = try fields.colour("background") ?? .white
      self = .compose(red: colour.red, green: colour.green, blue: colour.blue)
    case .drop, .refuse:
      try fields.check(allowed: ["policy"], " with the policy \(policy.rawValue)")
      self = policy == .drop ? .drop : .refuse
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
