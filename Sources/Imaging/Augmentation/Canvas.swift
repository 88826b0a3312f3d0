/// Image after a contract's resize, as training keeps it in memory: views are drawn from it in
/// every epoch without decoding it again.
package struct Canvas: Sendable, Hashable {
  package let height: Int
  package let width: Int
  /// 3 for RGB, 1 for grey.
  package let channels: Int
  /// `[H, W, C]`.
  package let pixels: [UInt8]

  package init(height: Int, width: Int, channels: Int, pixels: [UInt8]) {
    precondition(channels == 3 || channels == 1, "a canvas must be of colours or grey")
    precondition(
      height > 0 && width > 0 && pixels.count == height * width * channels,
      "pixels must hold the whole canvas")
    (self.height, self.width, self.channels) = (height, width, channels)
    self.pixels = pixels
  }
}

/// Way from an encoded image to a canvas, and from there to the views that training learns from.
///
///     encoded image ── decode, resize ──> canvas ── plain view ──> what serving computes
///                                           └────── view ────────> a variation of it
///
/// The plain view is that of the serving contract, bit for bit: both come from the same pixels,
/// whose values do not depend on how much is cropped after the resize.
package struct CanvasRule: Sendable {
  /// Contract of the network.
  package let contract: Preprocessing
  /// Contract that an image is decoded by to be a canvas, with colours in the order RGB; the
  /// numbers are the bytes.
  package let canvasContract: Preprocessing
  package let canvasSize: (height: Int, width: Int)
  /// Place of the serving contract's crop in the canvas.
  package let plainBox: PixelBox
  let table: PixelTable

  /// Throws `invalidContract` if images of the contract are not of bytes.
  package init(_ contract: Preprocessing) throws(ImagingError) {
    guard [.rgb, .bgr, .grey].contains(contract.channelOrder) else {
      throw .invalidContract(
        reason: "channel_order is \(contract.channelOrder.rawValue); views to learn from are made "
          + "for rgb, bgr and grey")
    }
    let size = Self.size(contract)
    let isGrey = contract.channelOrder == .grey
    var crop = CropRule.center(height: size.height, width: size.width)
    if let resized = contract.resize.size, resized == size { crop = .none }
    self.contract = contract
    canvasContract = try Preprocessing(
      resize: contract.resize, crop: crop, channelOrder: isGrey ? .grey : .rgb,
      mean: contract.mean.map { _ in 0 }, std: contract.std.map { _ in 1 }, range: .byte,
      policies: contract.policies, exact: contract.exact)
    canvasSize = size
    let view = contract.outputSize
    let rows = SampleWindow(
      sourceCount: size.height, resizedCount: size.height, outputCount: view.height)
    let columns = SampleWindow(
      sourceCount: size.width, resizedCount: size.width, outputCount: view.width)
    plainBox = PixelBox(
      top: rows.start, left: columns.start, height: view.height, width: view.width)
    table = PixelTable(contract, .planes)
  }

  /// Chooses the largest size that canvases of all images can have, and whose middle is the middle
  /// of the resized image.
  private static func size(_ contract: Preprocessing) -> (height: Int, width: Int) {
    let view = contract.outputSize
    switch contract.resize {
    case .none: return view
    case .exact(let height, let width, _), .letterbox(let height, let width, _, _):
      return (max(height, view.height), max(width, view.width))
    case .shorterSide(let size, _):
      return (side(resized: size, view: view.height), side(resized: size, view: view.width))
    }
  }

  /// Returns a canvas' side for a side that is resized to at least `resized`.
  ///
  /// Halves of a crop's offset are rounded to even, once for the canvas and once for the view.
  /// That gives the offset of a single crop if the second is a whole even number.
  private static func side(resized: Int, view: Int) -> Int {
    resized < view ? view : resized - (resized - view) % 4
  }

  package var canvasByteCount: Int {
    canvasSize.height * canvasSize.width * canvasContract.channelCount
  }

  /// Count of the numbers of a view: C x H x W.
  package var viewCount: Int { contract.channelCount * plainBox.height * plainBox.width }

  // MARK: Canvases

  /// Number that is subtracted from a byte to be sent as a signed one.
  private static let zero: UInt8 = 128

  /// Returns what a decoder is asked for: a byte for each number of the canvas.
  package func preprocessor(limits: DecodingLimits = DecodingLimits()) -> ImagePreprocessor {
    ImagePreprocessor(
      canvasContract, limits: limits, encoding: .s8(scale: 1, zeroPoint: -Int(Self.zero)))
  }

  /// Makes a canvas of the bytes that `preprocessor` prepared.
  package func canvas(_ prepared: Span<UInt8>) -> Canvas {
    precondition(prepared.count == canvasByteCount, "prepared must hold canvasByteCount bytes")
    var pixels = [UInt8](repeating: 0, count: prepared.count)
    for place in prepared.indices { pixels[place] = prepared[place] &+ Self.zero }
    return Canvas(
      height: canvasSize.height, width: canvasSize.width, channels: canvasContract.channelCount,
      pixels: pixels)
  }
}
