/// JSON form. `resize`, `crop`, `mean` and `std` are required; the defaults of the rest are those
/// of `ImagePolicies`, RGB, and not exact. Example:
///
///     {"resize": {"rule": "shorter_side", "size": 256, "filter": "bilinear"},
///      "crop": {"rule": "center", "height": 224, "width": 224},
///      "channel_order": "rgb",
///      "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225],
///      "alpha": {"policy": "compose", "background": [255, 255, 255]},
///      "grey": "replicate", "cmyk": "convert", "sixteen_bit": "high_byte",
///      "exif_orientation": "apply", "exact": false}
extension Preprocessing: Codable {
  private enum CodingKeys: String, CodingKey {
    case resize, crop, mean, std, alpha, grey, cmyk, exact
    case channelOrder = "channel_order"
    case sixteenBit = "sixteen_bit"
    case exifOrientation = "exif_orientation"
  }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    func optional<Value: Decodable>(_ key: CodingKeys, _ value: inout Value) throws {
      if let found = try container.decodeIfPresent(Value.self, forKey: key) { value = found }
    }
    var order = ChannelOrder.rgb
    var policies = ImagePolicies()
    var exact = false
    try optional(.channelOrder, &order)
    try optional(.alpha, &policies.alpha)
    try optional(.grey, &policies.grey)
    try optional(.cmyk, &policies.cmyk)
    try optional(.sixteenBit, &policies.sixteenBit)
    try optional(.exifOrientation, &policies.exifOrientation)
    try optional(.exact, &exact)
    do {
      try self.init(
        resize: try container.decode(ResizeRule.self, forKey: .resize),
        crop: try container.decode(CropRule.self, forKey: .crop), channelOrder: order,
        mean: try container.decode([Float].self, forKey: .mean),
        std: try container.decode([Float].self, forKey: .std), policies: policies, exact: exact)
    } catch let error as ImagingError {
      throw DecodingError.dataCorrupted(
        .init(codingPath: decoder.codingPath, debugDescription: error.description))
    }
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(resize, forKey: .resize)
    try container.encode(crop, forKey: .crop)
    try container.encode(channelOrder, forKey: .channelOrder)
    try container.encode(mean, forKey: .mean)
    try container.encode(std, forKey: .std)
    try container.encode(policies.alpha, forKey: .alpha)
    try container.encode(policies.grey, forKey: .grey)
    try container.encode(policies.cmyk, forKey: .cmyk)
    try container.encode(policies.sixteenBit, forKey: .sixteenBit)
    try container.encode(policies.exifOrientation, forKey: .exifOrientation)
    try container.encode(exact, forKey: .exact)
  }
}
