/// JSON form. Only the size of the input, how images are brought to it, `mean` and `std` must be
/// said; docs/models.md lists the defaults of the rest. An unknown key is an error. Example:
///
///     {"resize": {"rule": "shorter_side", "size": 256, "filter": "bilinear"},
///      "crop": {"rule": "center", "height": 224, "width": 224},
///      "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225], "range": 1,
///      "channel_order": "rgb",
///      "alpha": {"policy": "compose", "background": [255, 255, 255]},
///      "grey": "replicate", "cmyk": "convert", "sixteen_bit": "high_byte",
///      "exif_orientation": "apply", "color_profile": "ignore", "exact": false}
extension Preprocessing: Codable {
  private enum CodingKeys: String, CodingKey {
    case resize, crop, mean, std, range, alpha, grey, cmyk, exact
    case channelOrder = "channel_order"
    case sixteenBit = "sixteen_bit"
    case exifOrientation = "exif_orientation"
    case colourProfile = "color_profile"
  }

  /// Throws `ImagingError.invalidContract` for whatever is wrong with the contract itself.
  package init(from decoder: any Decoder) throws {
    try self.init(from: decoder, besides: [])
  }

  /// Reads a contract that stands among other keys, which somebody else reads.
  package init(from decoder: any Decoder, besides others: Set<String>) throws {
    try self.init(try ContractFields(ContractValue(from: decoder).without(others)), others)
  }

  private init(_ fields: ContractFields, _ others: Set<String>) throws(ImagingError) {
    try fields.check(allowed: ContractKey.top + others.sorted())
    let crop = try Self.crop(fields)
    let resize = try Self.resize(fields, crop)
    let numbers = "three numbers, one for each channel, or one for grey input"
    let mean = try fields.numbers("mean", numbers)
    let std = try fields.numbers("std", numbers)
    try self.init(
      resize: resize, crop: crop,
      channelOrder: try fields.choice("channel_order") ?? (mean.count == 1 ? .grey : .rgb),
      mean: mean, std: std,
      range: try Self.range(fields, mean: mean, std: std), policies: try ImagePolicies(fields),
      exact: try fields.boolean("exact") ?? false)
  }

  private static func resize(
    _ fields: ContractFields, _ crop: CropRule
  ) throws(ImagingError) -> ResizeRule {
    guard let resize = try fields.object("resize") else {
      throw .invalidContract(
        reason: "resize is missing: write how images are scaled, such as "
          + #"{"rule": "shorter_side", "size": 256, "filter": "bilinear"}"#)
    }
    return try ResizeRule(resize, crop: crop)
  }

  private static func crop(_ fields: ContractFields) throws(ImagingError) -> CropRule {
    guard let crop = try fields.object("crop") else { return .none }
    return try CropRule(crop)
  }

  /// Returns the scale of `mean` and `std`. One that is not named must not look like the other.
  private static func range(
    _ fields: ContractFields, mean: [Float], std: [Float]
  ) throws(ImagingError) -> PixelRange {
    if let value = try fields.integer("range") {
      guard let range = PixelRange(rawValue: value) else {
        throw .invalidContract(reason: "range is \(value); allowed are 1, 255")
      }
      return range
    }
    let key = mean.contains { $0 > 1 } ? "mean" : "std"
    let numbers = key == "mean" ? mean : std
    guard numbers.contains(where: { $0 > (key == "mean" ? 1 : byteScaleDeviation) }) else {
      return .unit
    }
    throw .invalidContract(
      reason:
        "\(key) is [\(numbers.map { "\($0)" }.joined(separator: ", "))], which looks like the "
        + "scale from 0 to 255: write \"range\": 255, or \"range\": 1 if white is 1")
  }

  /// Largest standard deviation that is believed to be meant for the scale from 0 to 1. Those of
  /// pixels are at most 0.5 there, and 1 is what people write for no division.
  private static let byteScaleDeviation: Float = 10

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(resize, forKey: .resize)
    try container.encode(crop, forKey: .crop)
    try container.encode(channelOrder, forKey: .channelOrder)
    try container.encode(mean, forKey: .mean)
    try container.encode(std, forKey: .std)
    try container.encode(range, forKey: .range)
    try container.encode(policies.alpha, forKey: .alpha)
    try container.encode(policies.grey, forKey: .grey)
    try container.encode(policies.cmyk, forKey: .cmyk)
    try container.encode(policies.sixteenBit, forKey: .sixteenBit)
    try container.encode(policies.exifOrientation, forKey: .exifOrientation)
    try container.encode(policies.colourProfile, forKey: .colourProfile)
    try container.encode(exact, forKey: .exact)
  }
}
