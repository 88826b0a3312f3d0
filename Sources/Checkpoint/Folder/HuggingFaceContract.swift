import Imaging
import JSON

/// The contract that a `preprocessor_config.json` of Hugging Face describes.
///
/// ConvNext's processor, which published ResNets use, resizes the shorter side to `size / crop_pct`
/// and crops `size`, or from 384 on resizes to exactly that. Others resize the shorter side or to a
/// height and a width, and crop if they say so. Source: image_processing_convnext.py and
/// image_processing_vit.py of transformers.
enum HuggingFaceContract {
  private static let source = ModelFolder.processor

  static func contract(_ root: JSONNode) throws(CheckpointError) -> Preprocessing {
    let kind =
      root["image_processor_type"]?.string ?? root["feature_extractor_type"]?.string ?? ""
    try checkSteps(root)
    let scale = try scale(root)
    let normalizes = root["do_normalize"]?.boolean ?? true
    let isGrey = root["image_mean"]?.array?.count == 1
    let count = isGrey ? 1 : 3
    func numbers(_ name: String, else usual: Double) throws(CheckpointError) -> [Double] {
      guard normalizes else { return Array(repeating: usual, count: count) }
      return try ContractNumbers.list(root, name, count, source)
    }
    let (mean, std) = (try numbers("image_mean", else: 0), try numbers("image_std", else: 1))
    let isReversed = root["do_flip_channel_order"]?.boolean == true
    let (resize, crop) = try geometry(root, kind)
    do {
      return try Preprocessing(
        resize: resize, crop: crop,
        channelOrder: isGrey ? .grey : isReversed ? .bgr : .rgb,
        mean: mean.map { Float($0 / scale) }, std: std.map { Float($0 / scale) })
    } catch {
      throw .contract(source: source, reason: error.description)
    }
  }

  /// Rejects steps that no contract has.
  private static func checkSteps(_ root: JSONNode) throws(CheckpointError) {
    let known: Set<String> = [
      "do_resize", "do_center_crop", "do_rescale", "do_normalize", "do_flip_channel_order",
      "do_convert_rgb",
    ]
    for (name, value) in root.members ?? [] where name.hasPrefix("do_") && !known.contains(name) {
      guard value.boolean != true else {
        throw .contract(
          source: source,
          reason: "\(name.prefix(40)) has no equivalent; give a contract (--preprocess)")
      }
    }
  }

  /// Returns the factor of the numbers that mean and deviation are for, where white is 1.
  private static func scale(_ root: JSONNode) throws(CheckpointError) -> Double {
    guard root["do_rescale"]?.boolean ?? true else { return 255 }
    guard let factor = root["rescale_factor"], !factor.isNull else { return 1 }
    guard let factor = factor.number, factor > 0, factor.isFinite else {
      throw .contract(source: source, reason: "rescale_factor is not a number above 0")
    }
    let scale = factor * 255
    return abs(scale - 1) < 1e-6 ? 1 : scale
  }

  private static func geometry(
    _ root: JSONNode, _ kind: String
  ) throws(CheckpointError) -> (ResizeRule, CropRule) {
    let resizes = root["do_resize"]?.boolean ?? true
    let crops = root["do_center_crop"]?.boolean ?? ["Bit", "CLIP"].contains(where: kind.hasPrefix)
    let crop: CropRule
    if crops {
      let (height, width) = try sides(root["crop_size"], "crop_size")
      crop = .center(height: height, width: width)
    } else {
      crop = .none
    }
    guard resizes else { return (.none, crop) }
    let filter = try filter(root, kind)
    let shorter = root["size"]?.integer ?? root["size"]?["shortest_edge"]?.integer
    if kind.hasPrefix("ConvNext") || root["crop_pct"]?.number != nil, !crops {
      guard let shorter else {
        throw .contract(source: source, reason: "size has no shortest_edge, which crop_pct needs")
      }
      guard shorter < 384 else {
        return (.exact(height: shorter, width: shorter, filter: filter), .none)
      }
      let share = root["crop_pct"]?.number ?? 224.0 / 256
      guard share > 0.05, share <= 1 else {
        throw .contract(source: source, reason: "crop_pct is \(share), 0.05 to 1 are allowed")
      }
      return (
        .shorterSide(size: Int(Double(shorter) / share), filter: filter),
        .center(height: shorter, width: shorter)
      )
    }
    if let shorter, crops || root["size"]?.integer == nil {
      return (.shorterSide(size: shorter, filter: filter), crop)
    }
    let (height, width) = try sides(root["size"], "size")
    return (.exact(height: height, width: width, filter: filter), crop)
  }

  /// Returns `{"height": H, "width": W}`, or a number twice.
  private static func sides(
    _ node: JSONNode?, _ name: String
  ) throws(CheckpointError) -> (height: Int, width: Int) {
    if let side = node?.integer { return (side, side) }
    guard let height = node?["height"]?.integer, let width = node?["width"]?.integer else {
      throw .contract(
        source: source,
        reason: "\(name) is neither a number nor height and width; give a contract (--preprocess)")
    }
    return (height, width)
  }

  /// Returns the filter that Pillow's number means.
  private static func filter(
    _ root: JSONNode, _ kind: String
  ) throws(CheckpointError) -> ResizeFilter {
    let usual = ["Bit", "CLIP"].contains(where: kind.hasPrefix) ? 3 : 2
    let number = root["resample"]?.integer ?? usual
    switch number {
    case 0: return .nearest
    case 1: return .lanczos
    case 2: return .bilinear
    case 3: return .bicubic
    case 4: return .box
    default:
      throw .contract(
        source: source,
        reason: "resample \(number) has no equivalent, 0 to 4 (nearest to box) have; "
          + "give a contract (--preprocess)")
    }
  }
}

/// Numbers of contracts in JSON of other programs.
enum ContractNumbers {
  static func three(
    _ root: JSONNode, _ name: String, _ source: String
  ) throws(CheckpointError) -> [Double] {
    try list(root, name, 3, source)
  }

  /// Returns a list of so many numbers, one or three.
  static func list(
    _ root: JSONNode, _ name: String, _ count: Int, _ source: String
  ) throws(CheckpointError) -> [Double] {
    let numbers = root[name]?.array?.compactMap(\.number) ?? []
    guard numbers.count == count, root[name]?.array?.count == count else {
      throw .contract(
        source: source,
        reason: "\(name) is not a list of \(count == 1 ? "one number" : "three numbers"); give a "
          + "contract (--preprocess)")
    }
    return numbers
  }
}
