/// Treatment of images that are not eight-bit RGB, upright and opaque.
package struct ImagePolicies: Sendable, Hashable {
  package enum Alpha: Sendable, Hashable {
    /// Composed over this colour: `(c * alpha + background * (255 - alpha)) / 255`, rounded to
    /// nearest.
    case compose(red: UInt8, green: UInt8, blue: UInt8)
    /// Drops alpha and keeps the stored colours, as Pillow's `convert("RGB")` does.
    case drop
    case refuse
    /// Takes it as a band like the others; of images with bands alone.
    case band
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
    /// Keeps all bits; of images with bands alone.
    case full
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

  /// What is usual for images with bands: transparency must not pass for a measurement.
  package static var forBands: ImagePolicies {
    var policies = ImagePolicies()
    policies.alpha = .refuse
    policies.sixteenBit = .full
    return policies
  }

  /// Fault of policies for images of colours, or with bands; nil if they suit them.
  func fault(areBands: Bool) -> String? {
    switch (areBands, alpha, sixteenBit) {
    case (true, .compose, _):
      "alpha.policy is compose, but bands cannot be laid over a colour: write band, drop or refuse"
    case (true, _, .highByte):
      "sixteen_bit is high_byte, but of bands all bits count: write full or refuse"
    case (false, .band, _):
      "alpha.policy is band, which is for the channel_order bands: write compose, drop or refuse"
    case (false, _, .full):
      "sixteen_bit is full, which is for the channel_order bands: write high_byte or refuse"
    default: nil
    }
  }
}

extension ImagePolicies {
  /// Reads the policies of a contract; those that it does not name keep their defaults.
  init(_ fields: ContractFields, areBands: Bool) throws(ImagingError) {
    self = areBands ? .forBands : ImagePolicies()
    if let alpha = try fields.object("alpha") {
      self.alpha = try Alpha(alpha, usual: areBands ? .refuse : .compose)
    }
    grey = try fields.choice("grey") ?? grey
    cmyk = try fields.choice("cmyk") ?? cmyk
    sixteenBit = try fields.choice("sixteen_bit") ?? sixteenBit
    exifOrientation = try fields.choice("exif_orientation") ?? exifOrientation
    colourProfile = try fields.choice("color_profile") ?? colourProfile
  }
}

extension ImagePolicies.Alpha: Encodable {
  private enum CodingKeys: String, CodingKey { case policy, background }
  fileprivate enum Policy: String, Codable, CaseIterable { case compose, drop, refuse, band }

  fileprivate init(_ fields: ContractFields, usual: Policy) throws(ImagingError) {
    let policy = try fields.choice("policy", Policy.self) ?? usual
    switch policy {
    case .compose:
      try fields.check(allowed: ContractKey.alpha)
      let colour = try fields.colour("background") ?? .white
      self = .compose(red: colour.red, green: colour.green, blue: colour.blue)
    case .drop, .refuse, .band:
      try fields.check(allowed: ["policy"], " with the policy \(policy.rawValue)")
      self = policy == .drop ? .drop : policy == .band ? .band : .refuse
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
    case .band:
      try container.encode(Policy.band, forKey: .policy)
    }
  }
}
