import Imaging

/// Fuzzes every decoder and both orders of the resampling passes with any bytes.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzImageDecoding(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  guard let contracts = try? ImageContracts() else { return 0 }
  let bytes = unsafe [UInt8](UnsafeBufferPointer(start: start, count: count))
  contracts.prepare(bytes)
  return 0
}

private struct ImageContracts {
  let preprocessors: [ImagePreprocessor]

  init() throws {
    // Small enough that an input costs only a few milliseconds.
    let limits = DecodingLimits(pixelCountLimit: 1 << 18, decodedByteCountLimit: 32 << 20)
    let cropped = try Preprocessing(
      resize: .shorterSide(size: 20, filter: .bicubic), crop: .center(height: 24, width: 16),
      mean: [0, 0, 0], std: [1, 1, 1])
    let squeezed = try Preprocessing(
      resize: .exact(height: 1, width: 40, filter: .bilinear), crop: .none,
      mean: [0, 0, 0], std: [1, 1, 1])
    // So small that most JPEGs are decoded at a fraction of their size.
    let tiny = try Preprocessing(
      resize: .exact(height: 3, width: 2, filter: .bilinear), crop: .none,
      mean: [0, 0, 0], std: [1, 1, 1])
    // By profiles, into a letterbox of grey.
    var policies = ImagePolicies()
    policies.colourProfile = .sRGB
    let managed = try Preprocessing(
      resize: .letterbox(height: 9, width: 12, filter: .lanczos, fill: .white), crop: .none,
      channelOrder: .grey, mean: [0], std: [1], policies: policies)
    // Those of an image are as many as its file says.
    var asStored = ImagePolicies.forBands
    asStored.alpha = .band
    let banded = try [1, 2, 3, 4, 13].map { count in
      try Preprocessing(
        resize: .shorterSide(size: 12, filter: .bicubic), crop: .center(height: 14, width: 10),
        channelOrder: .bands, mean: [Float](repeating: 0, count: count),
        std: [Float](repeating: 1, count: count), policies: asStored)
    }
    preprocessors = ([cropped, squeezed, tiny, managed] + banded).map {
      ImagePreprocessor($0, limits: limits)
    }
  }

  func prepare(_ bytes: [UInt8]) {
    for preprocessor in preprocessors {
      var pixels = [Float](repeating: 0, count: preprocessor.outputCount)
      var span = pixels.mutableSpan
      // Errors are the expected end of most inputs; a crash, a hang or a leak is not.
      try? preprocessor.prepare(bytes.span, into: &span)
    }
  }
}
