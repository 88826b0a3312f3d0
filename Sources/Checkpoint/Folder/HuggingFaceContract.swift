import Imaging
import JSON

/// The contract that a `preprocessor_config.json` of Hugging Face describes.
///
/// ConvNext's processor, which published ResNets use, resizes the shorter side to `size / crop_pct`
/// and crops `size`, or from 384 on resizes to exactly that. Others resize the shorter side or to a
/// height and a width, and crop if they say so. What a file leaves out is what its class has in all
/// versions of transformers from 4 on, or an error. Source: image_processing_*.py of transformers.
struct HuggingFaceContract {
  private static let source = ModelFolder.processor

  private let root: JSONNode
  private let kind: HuggingFaceProcessor
  private let backend: HuggingFaceProcessor.Backend

  /// Returns the contract, and what the file leaves open of it, a phrase each.
  static func contract(
    _ root: JSONNode
  ) throws(CheckpointError) -> (Preprocessing, assumptions: [String]) {
    let name = root["image_processor_type"]?.string ?? root["feature_extractor_type"]?.string
    guard let kind = HuggingFaceProcessor(name) else {
      throw fault(
        "the steps of \(name?.prefix(60) ?? "") are not known here; known are those of "
          + HuggingFaceProcessor.names)
    }
    let description = HuggingFaceContract(
      root: root, kind: kind, backend: HuggingFaceProcessor.Backend(name))
    let contract = try description.contract()
    return (contract, description.assumptions(of: contract))
  }

  /// Returns what versions of transformers do each in its own way.
  private func assumptions(of contract: Preprocessing) -> [String] {
    guard case .center(let height, let width, _) = contract.crop else { return [] }
    if backend == .torchvision {
      return [
        "crops begin as in transformers 5, a half of an odd rest rounded down; some versions of 4 round it "
          + "to even (\"rounding\": \"half_even\" in the contract's crop)"
      ]
    }
    let mayFillUp =
      switch contract.resize {
      case .none: true
      case .shorterSide(let size, _): size < max(height, width)
      case .exact(let ownHeight, let ownWidth, _), .letterbox(let ownHeight, let ownWidth, _, _):
        [height - ownHeight, width - ownWidth].contains { $0 > 0 && !$0.isMultiple(of: 2) }
      }
    guard backend == .open, mayFillUp else { return [] }
    return [
      "sides that are too small for the crop are filled up as in transformers 5, the odd pixel after the "
        + "image; version 4 puts it before (\"rounding\": \"floor\" in the contract's crop)"
    ]
  }

  private var rounding: CropRule.Rounding { backend == .pillow ? .floor : .down }

  private func contract() throws(CheckpointError) -> Preprocessing {
    try checkSteps()
    let scale = try scale()
    let isRescaled = try flag("do_rescale", usual: true)
    let normalizes = try flag("do_normalize", usual: kind.normalizes)
    let dividesAgain = try furtherStep("include_top", usual: kind == .efficientNet)
    let isShifted = try furtherStep("rescale_offset", usual: false) && isRescaled
    let isGrey = root["image_mean"]?.array?.count == 1
    let count = isGrey ? 1 : 3
    func numbers(_ name: String, if isUsed: Bool, else usual: Double) throws(CheckpointError)
      -> [Double]
    {
      guard isUsed else { return Array(repeating: usual, count: count) }
      guard let given = root[name], !given.isNull else {
        throw Self.fault("\(name) is missing, so it does not say how numbers are normalised")
      }
      return try ContractNumbers.list(root, name, count, Self.source)
    }
    // After the mean and deviation the results may be divided by the deviation once more.
    let mean = try numbers("image_mean", if: normalizes, else: 0).map { $0 + (isShifted ? 1 : 0) }
    let own = try numbers("image_std", if: normalizes || dividesAgain, else: 1)
    let std = own.map { (normalizes ? $0 : 1) * (dividesAgain ? $0 : 1) }
    let isReversed = try flag("do_flip_channel_order", usual: kind == .mobileViT)
    guard !isReversed || kind == .mobileViT || kind == .unnamed else {
      throw Self.fault(
        "do_flip_channel_order is true, which the processor of \(kind.rawValue) does not look at; set it to "
          + "false")
    }
    guard !normalizes || kind != .mobileViT else {
      throw Self.fault(
        "do_normalize is true, which the processor of \(kind.rawValue) does not do; set it to false"
      )
    }
    let (resize, crop) = try geometry()
    do {
      return try Preprocessing(
        resize: resize, crop: crop,
        channelOrder: isGrey ? .grey : isReversed ? .bgr : .rgb,
        mean: mean.map { Float($0 / scale) }, std: std.map { Float($0 / scale) })
    } catch {
      throw .contract(source: Self.source, reason: error.description)
    }
  }

  private static func fault(_ reason: String) -> CheckpointError {
    .contract(source: source, reason: "\(reason); give a contract (--preprocess)")
  }

  // MARK: - Steps

  /// Rejects steps that no contract has; of a processor without a name, whatever may be one.
  private func checkSteps() throws(CheckpointError) {
    for (name, value) in root.members ?? [] where !Self.steps.contains(name) {
      let isSaid =
        name.hasPrefix("do_")
        ? value.boolean == true
        : kind == .unnamed && !value.isNull && value.boolean != false
          && !Self.others.contains(name) && !name.hasPrefix("_")
      guard !isSaid else { throw Self.fault("\(name.prefix(40)) has no equivalent") }
    }
  }

  private static let steps: Set<String> = [
    "do_resize", "do_center_crop", "do_rescale", "do_normalize", "do_flip_channel_order",
    "do_convert_rgb", "size", "crop_size", "crop_pct", "resample", "rescale_factor", "image_mean",
    "image_std", "include_top", "rescale_offset", "default_to_square",
  ]
  /// What is said of other things than steps.
  private static let others: Set<String> = [
    "image_processor_type", "feature_extractor_type", "processor_class", "auto_map",
    "model_input_names", "data_format", "input_data_format", "return_tensors", "device",
    "disable_grouping", "use_fast", "transformers_version", "num_channels",
  ]

  /// Returns whether a step is made; where the file has null for one that is usual, versions of
  /// transformers disagree.
  private func flag(_ name: String, usual: Bool) throws(CheckpointError) -> Bool {
    guard let value = root[name] else { return usual }
    if let said = value.boolean { return said }
    guard value.isNull, !usual else {
      throw Self.fault("\(name) is neither true nor false")
    }
    return false
  }

  /// Returns whether a step of EfficientNet's processor is made.
  private func furtherStep(_ name: String, usual: Bool) throws(CheckpointError) -> Bool {
    let isMade = try flag(name, usual: usual)
    guard !isMade || kind == .efficientNet || kind == .unnamed else {
      throw Self.fault("\(name) has no equivalent but for EfficientNetImageProcessor")
    }
    return isMade
  }

  /// Returns the factor of the numbers that mean and deviation are for, where white is 1.
  private func scale() throws(CheckpointError) -> Double {
    guard try flag("do_rescale", usual: true) else { return 255 }
    guard let factor = root["rescale_factor"], !factor.isNull else { return 1 }
    guard let factor = factor.number, factor > 0, factor.isFinite else {
      throw Self.fault("rescale_factor is not a number above 0")
    }
    let scale = factor * 255
    return abs(scale - 1) < 1e-6 ? 1 : scale
  }

  // MARK: - Geometry

  private func geometry() throws(CheckpointError) -> (ResizeRule, CropRule) {
    let crops = try flag("do_center_crop", usual: kind.crops)
    let crop: CropRule
    if crops {
      let (height, width) = try sides(root["crop_size"], "crop_size")
      crop = .center(height: height, width: width, rounding: rounding)
    } else {
      crop = .none
    }
    guard try flag("do_resize", usual: true) else { return (.none, crop) }
    let filter = try filter()
    if kind == .convNext || kind == .unnamed && !crops && root["crop_pct"]?.number != nil {
      guard !crops else {
        throw Self.fault(
          "do_center_crop after the crop of crop_pct, which versions of transformers disagree about"
        )
      }
      return try convNextGeometry(filter)
    }
    try checkSize()
    let isSquare = root["default_to_square"]?.boolean ?? kind.isSquare(crops: crops)
    if let shorter = root["size"]?["shortest_edge"]?.integer
      ?? (isSquare ? nil : root["size"]?.integer)
    {
      return (.shorterSide(size: try enlarged(shorter), filter: filter), crop)
    }
    let (height, width) = try sides(root["size"], "size")
    guard kind == .poolFormer else {
      try checkShare()
      return (.exact(height: height, width: width, filter: filter), crop)
    }
    guard height == width else {
      throw Self.fault("size is \(height)x\(width), of which crop_pct makes no known size")
    }
    return (.shorterSide(size: try enlarged(height), filter: filter), crop)
  }

  /// Returns the side that a processor resizes to for a side that is said.
  private func enlarged(_ side: Int) throws(CheckpointError) -> Int {
    switch kind {
    case .levit: return Int(256.0 / 224 * Double(side))
    case .poolFormer: return Int(Double(side) / (try share(usual: 0.9)))
    default:
      try checkShare()
      return side
    }
  }

  /// Refuses a share that the processor does not look at.
  private func checkShare() throws(CheckpointError) {
    guard let share = root["crop_pct"], !share.isNull else { return }
    throw Self.fault("crop_pct has no equivalent here: \(kind.rawValue) does not crop by it")
  }

  private func convNextGeometry(
    _ filter: ResizeFilter
  ) throws(CheckpointError) -> (ResizeRule, CropRule) {
    guard let shorter = root["size"]?.integer ?? root["size"]?["shortest_edge"]?.integer else {
      throw Self.fault("size has no shortest_edge, which crop_pct needs")
    }
    try checkSize()
    guard shorter < 384 else {
      return (.exact(height: shorter, width: shorter, filter: filter), .none)
    }
    return (
      .shorterSide(size: Int(Double(shorter) / (try share(usual: 224.0 / 256))), filter: filter),
      .center(height: shorter, width: shorter, rounding: rounding)
    )
  }

  private func share(usual: Double) throws(CheckpointError) -> Double {
    guard let given = root["crop_pct"] else { return usual }
    guard let share = given.number, share > 0.05, share <= 1 else {
      throw Self.fault(
        "crop_pct is \(given.number.map { "\($0)" } ?? "not a number"), 0.05 to 1 are allowed")
    }
    return share
  }

  /// Refuses sizes that bound more than the shorter side, or other things.
  private func checkSize() throws(CheckpointError) {
    let known = ["height", "width", "shortest_edge"]
    for (name, value) in root["size"]?.members ?? []
    where !known.contains(name) && !value.isNull {
      throw Self.fault("size has \(name.prefix(40)), which has no equivalent")
    }
  }

  /// Returns `{"height": H, "width": W}`, or a number twice.
  private func sides(
    _ node: JSONNode?, _ name: String
  ) throws(CheckpointError) -> (height: Int, width: Int) {
    if let side = node?.integer { return (side, side) }
    guard let height = node?["height"]?.integer, let width = node?["width"]?.integer else {
      throw Self.fault("\(name) is neither a number nor height and width")
    }
    return (height, width)
  }

  /// Returns the filter that Pillow's number means; the usual one is not the same in all versions.
  private func filter() throws(CheckpointError) -> ResizeFilter {
    if let name = root["resample"]?.string {
      guard let filter = ResizeFilter(rawValue: name.lowercased()) else {
        throw Self.fault(
          "resample \"\(name.prefix(40))\" is no filter; "
            + ResizeFilter.allCases.map(\.rawValue).joined(separator: ", ") + " are")
      }
      return filter
    }
    guard let number = root["resample"]?.integer else {
      throw Self.fault(
        "resample is missing, and versions of transformers disagree about which filter is usual")
    }
    switch number {
    case 0: return .nearest
    case 1: return .lanczos
    case 2: return .bilinear
    case 3: return .bicubic
    case 4: return .box
    default:
      throw Self.fault("resample \(number) has no equivalent, 0 to 4 (nearest to box) have")
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
