import Words

/// Keys of a contract, and those of other programs that somebody may write in their place.
enum ContractKey {
  /// In the order in which a contract is written.
  static let top = [
    "resize", "crop", "mean", "std", "range", "channel_order", "alpha", "grey", "cmyk",
    "sixteen_bit", "exif_orientation", "color_profile", "exact",
  ]
  static let resize = [
    "rule", "size", "height", "width", "filter", "fill", "fraction", "mode",
  ]
  static let crop = ["rule", "height", "width", "rounding"]
  static let alpha = ["policy", "background"]
  /// Keys that say how colours become others, which bands do not.
  static let ofColours = ["grey", "cmyk", "color_profile"]

  /// Names of torchvision, timm, Hugging Face, Keras and of American spelling.
  private static let synonyms = [
    "crop_pct": "resize.fraction", "crop_fraction": "resize.fraction",
    "crop_mode": "resize.mode", "pad": "resize.fill", "padding": "resize.fill",
    "letterbox": "resize.rule", "color_mode": "channel_order", "grayscale": "channel_order",
    "interpolation": "resize.filter", "resample": "resize.filter", "antialias": "resize.filter",
    "resize_size": "resize.size", "shortest_edge": "resize.size", "do_resize": "resize.rule",
    "crop_size": "crop.height and crop.width", "input_size": "crop.height and crop.width",
    "image_size": "crop.height and crop.width", "do_center_crop": "crop.rule",
    "center_crop": "crop.rule", "image_mean": "mean", "image_std": "std", "stddev": "std",
    "rescale_factor": "range", "do_rescale": "range", "scale": "range",
    "color_order": "channel_order",
    "bgr": "channel_order", "gray": "grey", "icc": "color_profile", "icc_profile": "color_profile",
    "colour_profile": "color_profile", "transparency": "alpha",
    "orientation": "exif_orientation",
    "background": "alpha.background", "bands": "channel_order", "channels": "channel_order",
    "in_chans": "channel_order", "num_channels": "channel_order",
  ]

  /// Returns all keys of the object at a path.
  static func allowed(in path: String) -> [String] {
    switch path {
    case "resize": resize
    case "crop": crop
    case "alpha": alpha
    default: top
    }
  }

  /// Returns the key that an unknown one probably stands for, with its path; nil if none is near.
  static func meant(by key: String, in path: String, among allowed: [String]) -> String? {
    // It is a key of the object, but not beside what the others say.
    if Self.allowed(in: path).contains(key) { return nil }
    let prefix = path.isEmpty ? "" : path + "."
    if let near = Suggestion.nearest(to: key, among: allowed) { return prefix + near }
    if let known = synonyms[key.lowercased()] { return known }
    for (path, keys) in [("resize", resize), ("crop", crop), ("alpha", alpha), ("", top)] {
      if let near = Suggestion.nearest(to: key, among: keys) {
        return path.isEmpty ? near : "\(path).\(near)"
      }
    }
    return nil
  }

  /// Returns the allowed value that a string probably stands for.
  static func value(meantBy string: String, among allowed: [String]) -> String? {
    Suggestion.nearest(to: string.lowercased(), among: allowed)
  }
}

extension Preprocessing {
  /// Compares the places of two keys in a contract that is written out.
  package static func order(of key: String, before other: String) -> Bool {
    let keys = ContractKey.top
    return keys.firstIndex(of: key) ?? keys.count < keys.firstIndex(of: other) ?? keys.count
  }
}
