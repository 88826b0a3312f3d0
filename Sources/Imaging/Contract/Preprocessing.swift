import CImageCodec

/// Contract by which a model wants its images prepared; its file carries it.
///
/// An image is decoded to RGB, turned upright, resized, cropped, and written as `[C, H, W]` planes
/// of `(x * range / 255 - mean) / std`. An image with bands keeps its samples with all their bits, of
/// which the largest possible number takes the place of 255. A value of this type is always valid:
/// every initialiser checks it.
package struct Preprocessing: Sendable, Hashable {
  package enum ChannelOrder: String, Sendable, Hashable, Encodable, CaseIterable {
    case rgb
    case bgr
    /// One channel, what Pillow's `convert("L")` makes of the colours.
    case grey
    /// Samples of a pixel as they are stored, in that order, as many as `mean` has numbers.
    case bands

    /// Channel of the image's colours that each channel of the input is made from.
    var sources: [Int] {
      switch self {
      case .rgb: [0, 1, 2]
      case .bgr: [2, 1, 0]
      case .grey: [0]
      case .bands: []
      }
    }
  }

  /// Number that white becomes before `mean` is subtracted.
  package enum PixelRange: Int, Sendable, Hashable, Encodable {
    case unit = 1
    case byte = 255
    /// The numbers of 16 bits as they are stored; of images with bands alone.
    case word = 65535
  }

  /// Allowed channels of the network's input.
  package static let channelCountLimit = 1...Int(IMAGE_CODEC_SAMPLE_LIMIT)

  /// Allowed sides of the resized image and of the crop, in pixels.
  package static let sideLimit = 1...4096

  package let resize: ResizeRule
  package let crop: CropRule
  /// Order of the planes, and of the numbers in `mean` and `std`.
  package let channelOrder: ChannelOrder
  /// As many numbers as planes, on the scale of `range`.
  package let mean: [Float]
  package let std: [Float]
  package let range: PixelRange
  package let policies: ImagePolicies
  /// Whether every stored pixel is decoded. Otherwise a JPEG may be decoded at 1/2, 1/4 or 1/8 of
  /// its size, the smallest that is still at least twice the size it is resized to: faster, with
  /// slightly different pixels.
  package let exact: Bool

  /// Throws `invalidContract`. Without policies those that are usual for the channels hold.
  package init(
    resize: ResizeRule, crop: CropRule, channelOrder: ChannelOrder = .rgb, mean: [Float],
    std: [Float], range: PixelRange = .unit, policies: ImagePolicies? = nil,
    exact: Bool = false
  ) throws(ImagingError) {
    self.init(
      checked: (), resize: resize, crop: crop, channelOrder: channelOrder, mean: mean, std: std,
      range: range,
      policies: policies ?? (channelOrder == .bands ? .forBands : ImagePolicies()), exact: exact)
    if let fault { throw .invalidContract(reason: fault) }
  }

  private init(
    checked: Void, resize: ResizeRule, crop: CropRule, channelOrder: ChannelOrder = .rgb,
    mean: [Float], std: [Float], range: PixelRange = .unit,
    policies: ImagePolicies = ImagePolicies(), exact: Bool = false
  ) {
    self.resize = resize
    self.crop = crop
    self.channelOrder = channelOrder
    self.mean = mean
    self.std = std
    self.range = range
    self.policies = policies
    self.exact = exact
  }

  /// Contract that torchvision's ImageNet weights of the first generation were evaluated with.
  package static let imageNet = Preprocessing(
    checked: (), resize: .shorterSide(size: 256, filter: .bilinear),
    crop: .center(height: 224, width: 224), mean: [0.485, 0.456, 0.406],
    std: [0.229, 0.224, 0.225])

  /// Contract that torchvision's ImageNet weights of the second generation were evaluated with.
  package static let imageNetV2 = Preprocessing(
    checked: (), resize: .shorterSide(size: 232, filter: .bilinear), crop: imageNet.crop,
    mean: imageNet.mean, std: imageNet.std)

  /// Contract of networks for 64 x 64 pixels, such as those for Tiny ImageNet.
  package static let imageNet64 = Preprocessing(
    checked: (), resize: .shorterSide(size: 64, filter: .bilinear),
    crop: .center(height: 64, width: 64), mean: imageNet.mean, std: imageNet.std)

  /// Contract for 32 x 32 pixels; images of that size pass unscaled. Throws `invalidContract`.
  package static func cifar10(mean: [Float], std: [Float]) throws(ImagingError) -> Preprocessing {
    try Preprocessing(
      resize: .exact(height: 32, width: 32, filter: .bilinear), crop: .none, mean: mean, std: std)
  }

  /// Planes of the network's input: 3, 1 if it is grey, or as many as there are bands.
  package var channelCount: Int {
    channelOrder == .bands ? mean.count : channelOrder.sources.count
  }

  /// Where a crop begins if what it cuts off is odd.
  package var cropRounding: CropRule.Rounding {
    if case .center(_, _, let rounding) = crop { rounding } else { .halfEven }
  }

  /// Sides of the network's input.
  package var outputSize: (height: Int, width: Int) {
    if case .center(let height, let width, _) = crop { return (height, width) }
    guard let size = resize.size else {
      preconditionFailure("a checked contract must have an output size")
    }
    return size
  }
}

extension Preprocessing {
  /// Fault of the contract, in words for the author of the model file.
  private var fault: String? {
    var sides: [(name: String, value: Int)] = []
    switch resize {
    case .none: break
    case .shorterSide(let size, _): sides.append(("resize.size", size))
    case .exact(let height, let width, _), .letterbox(let height, let width, _, _):
      sides += [("resize.height", height), ("resize.width", width)]
    }
    switch crop {
    case .none:
      guard resize.size != nil else {
        return "crop is missing or none, which is allowed only if resize gives the size of the "
          + "network's input (rule exact or letterbox): write "
          + #""crop": {"rule": "center", "height": 224, "width": 224}, with that size"#
      }
    case .center(let height, let width, _):
      if case .letterbox = resize {
        return "crop is center, but resize with the rule letterbox makes the input's size already: "
          + "leave out crop"
      }
      sides += [("crop.height", height), ("crop.width", width)]
    }
    let allowed = Self.sideLimit
    for side in sides where !allowed.contains(side.value) {
      return
        "\(side.name) is \(side.value); allowed are \(allowed.lowerBound) to \(allowed.upperBound)"
    }
    return bandFault ?? normalizationFault
  }

  private var bandFault: String? {
    let areBands = channelOrder == .bands
    if let fault = policies.fault(areBands: areBands) { return fault }
    guard areBands else {
      return range == .word ? "range is 65535, which is for the channel_order bands" : nil
    }
    let allowed = Self.channelCountLimit
    guard allowed.contains(mean.count) else {
      return "mean has \(mean.count) numbers; allowed are \(allowed.lowerBound) to "
        + "\(allowed.upperBound), one for each band"
    }
    if case .letterbox(_, _, _, let fill) = resize, fill != .black {
      return "resize.fill is a colour, and bands have none: leave it out, and 0 is around the image"
    }
    if range == .word, policies.sixteenBit == .refuse {
      return "range is 65535, for samples of 16 bits, which sixteen_bit refuses: write full there"
    }
    return nil
  }

  private var normalizationFault: String? {
    for (name, numbers) in [("mean", mean), ("std", std)] where numbers.count != channelCount {
      let count = "\(numbers.count) \(numbers.count == 1 ? "number" : "numbers")"
      guard channelOrder != .bands else {
        return "std has \(count), and mean \(mean.count); each has one for each band"
      }
      return "channel_order is \(channelOrder.rawValue), and \(name) has \(count); it must have "
        + "one for grey, three for rgb or bgr, and any other is for bands"
    }
    guard mean.allSatisfy(\.isFinite) else { return "mean must be finite" }
    guard std.allSatisfy({ $0.isFinite && $0 > 0 && (1 / $0).isFinite }) else {
      return "std must be finite and above 0; the numbers are divided by it"
    }
    guard range == .unit || std.contains(where: { $0 >= 1 }) else {
      let white = range.rawValue
      return "range is \(white), but std is below 1, which is for the scale where white is 1: "
        + "write mean and std on the scale from 0 to \(white), or \"range\": 1"
    }
    return nil
  }
}
