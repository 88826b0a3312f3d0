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
    let numbers =
      "a list of numbers, one for each channel: three for colours, one for grey, or one for each band"
    let mean = try fields.numbers("mean", numbers)
    let std = try fields.numbers("std", numbers)
    guard mean.count == std.count else {
      throw .invalidContract(
        reason: "mean has \(Self.counted(mean)) and std \(Self.counted(std)); each must be "
          + numbers)
    }
    let stated = try fields.choice("channel_order", ChannelOrder.self)
    let order = stated ?? Self.usualOrder(channelCount: mean.count)
    if order == .bands {
      let keys = ContractKey.top.filter { !ContractKey.ofColours.contains($0) }
      let cause = stated == nil ? ", which \(mean.count) numbers in mean mean" : ""
      try fields.check(
        allowed: keys + others.sorted(), " with the channel_order bands" + cause)
    }
    try self.init(
      resize: resize, crop: crop, channelOrder: order, mean: mean, std: std,
      range: try Self.range(fields, order, isStated: stated != nil, mean: mean, std: std),
      policies: try ImagePolicies(fields, areBands: order == .bands),
      exact: try fields.boolean("exact") ?? false)
  }

  private static func counted(_ numbers: [Float]) -> String {
    "\(numbers.count) \(numbers.count == 1 ? "number" : "numbers")"
  }

  private static func usualOrder(channelCount: Int) -> ChannelOrder {
    switch channelCount {
    case 1: .grey
    // No number is a fault, which is told as one of the colours.
    case 0, 3: .rgb
    default: .bands
    }
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
    _ fields: ContractFields, _ order: ChannelOrder, isStated: Bool, mean: [Float], std: [Float]
  ) throws(ImagingError) -> PixelRange {
    if let value = try fields.integer("range") {
      guard let range = PixelRange(rawValue: value), range != .word || order == .bands else {
        throw .invalidContract(
          reason: "range is \(value); allowed are 1, 255" + (order == .bands ? ", 65535" : ""))
      }
      return range
    }
    // White is no number that samples of 16 bits share: many are at most 10000.
    guard order != .bands else {
      throw .invalidContract(
        reason: (isStated
          ? ""
          : "mean and std have \(counted(mean)), which is neither grey (one) nor colours (three) but "
            + "the channel_order bands; for these ")
          + "range is missing: write what the largest sample is on the scale of mean and std, "
          + "65535 for numbers of 16 bits as they are stored, 255 for those of 8, or 1")
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
    if channelOrder != .bands {
      try container.encode(policies.grey, forKey: .grey)
      try container.encode(policies.cmyk, forKey: .cmyk)
      try container.encode(policies.colourProfile, forKey: .colourProfile)
    }
    try container.encode(policies.sixteenBit, forKey: .sixteenBit)
    try container.encode(policies.exifOrientation, forKey: .exifOrientation)
    try container.encode(exact, forKey: .exact)
  }
}
