import Imaging
import JSON

/// The contract that timm's `pretrained_cfg` describes.
///
/// The shorter side becomes `floor(input_size / crop_pct)`, and `input_size` is cropped. Source:
/// transforms_imagenet_eval of timm/data/transforms_factory.py.
enum TimmContract {
  private static let source = "\(ModelFolder.config), pretrained_cfg"

  static func contract(_ root: JSONNode) throws(CheckpointError) -> Preprocessing {
    func fail(_ reason: String) -> CheckpointError { .contract(source: source, reason: reason) }
    let input = root["input_size"]?.array?.compactMap(\.integer) ?? []
    guard input.count == 3, [1, 3].contains(input[0]), input[1] > 0, input[2] > 0 else {
      throw fail(
        "input_size is not [3, H, W], nor [1, H, W] in grey; give a contract (--preprocess)")
    }
    let isGrey = input[0] == 1
    let (height, width) = (input[1], input[2])
    let share = root["crop_pct"]?.number ?? 0.875
    guard share > 0.05, share <= 1 else {
      throw fail("crop_pct is \(share), 0.05 to 1 are allowed")
    }
    // timm's own default.
    let name = root["interpolation"]?.string ?? "bicubic"
    // Both use Pillow's names.
    guard let filter = ResizeFilter(rawValue: name) else {
      let known = ResizeFilter.allCases.map(\.rawValue).joined(separator: ", ")
      throw fail(
        "interpolation \(name.prefix(20)) has no equivalent, \(known) have; "
          + "give a contract (--preprocess)")
    }
    func scaled(_ side: Int) -> Int { Int(Double(side) / share) }
    let resize: ResizeRule
    switch root["crop_mode"]?.string ?? "center" {
    case "center" where height == width: resize = .shorterSide(size: scaled(height), filter: filter)
    case "squash":
      resize = .exact(height: scaled(height), width: scaled(width), filter: filter)
    case let other:
      throw fail(
        "crop_mode \(other.prefix(20)) for \(height)x\(width) pixels has no equivalent; "
          + "give a contract (--preprocess)")
    }
    let usual = Preprocessing.imageNet
    let count = isGrey ? 1 : 3
    func numbers(_ name: String, else usual: [Float]) throws(CheckpointError) -> [Float] {
      guard root[name] != nil else {
        if isGrey {
          throw fail("\(name) of a grey network is not there; give a contract (--preprocess)")
        }
        return usual
      }
      return try ContractNumbers.list(root, name, count, source).map(Float.init)
    }
    let mean = try numbers("mean", else: usual.mean)
    let std = try numbers("std", else: usual.std)
    do {
      return try Preprocessing(
        resize: resize, crop: .center(height: height, width: width),
        channelOrder: isGrey ? .grey : .rgb, mean: mean, std: std)
    } catch {
      throw fail(error.description)
    }
  }
}
