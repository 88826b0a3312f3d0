/// Image processors of transformers whose steps are known, by their classes' names without the
/// ending.
enum HuggingFaceProcessor: String, CaseIterable {
  case beit = "Beit"
  case bit = "Bit"
  case blip = "Blip"
  case clip = "CLIP"
  case chineseCLIP = "ChineseCLIP"
  case convNext = "ConvNext"
  case deiT = "DeiT"
  case efficientNet = "EfficientNet"
  case levit = "Levit"
  case mobileNetV1 = "MobileNetV1"
  case mobileNetV2 = "MobileNetV2"
  case mobileViT = "MobileViT"
  case poolFormer = "PoolFormer"
  case pvt = "Pvt"
  case segformer = "Segformer"
  case siglip = "Siglip"
  case viT = "ViT"
  /// One that the file does not name.
  case unnamed = ""

  /// What a processor computes by, which its class's name may end in.
  enum Backend {
    case torchvision, pillow
    /// Pillow in transformers 4, torchvision in 5.
    case open

    init(_ name: String?) {
      self =
        name?.hasSuffix("Fast") == true
        ? .torchvision : name?.hasSuffix("Pil") == true ? .pillow : .open
    }
  }

  /// - Parameter name: Name of a class, of any version: `ViTFeatureExtractor`,
  ///   `ViTImageProcessorFast`.
  init?(_ name: String?) {
    var name = name?[...] ?? ""
    for ending in ["Fast", "Pil"] where name.hasSuffix(ending) {
      name = name.dropLast(ending.count)
    }
    for ending in ["ImageProcessor", "FeatureExtractor"] where name.hasSuffix(ending) {
      name = name.dropLast(ending.count)
    }
    self.init(rawValue: String(name))
  }

  static var names: String {
    allCases.map(\.rawValue).filter { !$0.isEmpty }.joined(separator: ", ")
  }

  /// Whether it crops unless told otherwise.
  var crops: Bool {
    switch self {
    case .bit, .clip, .chineseCLIP, .deiT, .levit, .mobileNetV1, .mobileNetV2, .mobileViT,
      .poolFormer:
      true
    default: false
    }
  }

  var normalizes: Bool { self != .mobileViT }

  /// Whether a single number for a size is height and width, not the shorter side.
  func isSquare(crops: Bool) -> Bool {
    switch self {
    case .bit, .clip, .chineseCLIP, .convNext, .levit, .mobileNetV1, .mobileNetV2, .mobileViT,
      .poolFormer, .siglip:
      false
    case .unnamed: !crops
    default: true
    }
  }
}
