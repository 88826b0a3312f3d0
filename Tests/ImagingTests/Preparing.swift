import Imaging

extension ImagePreprocessor {
  /// The prepared planes of an image in memory.
  func prepare(_ encoded: [UInt8]) throws(ImagingError) -> [Float] {
    var pixels = [Float](repeating: 0, count: outputCount)
    var span = pixels.mutableSpan
    try prepare(encoded.span, into: &span)
    return pixels
  }

  /// The prepared image as rows of interleaved bytes, for contracts of mean 0 and std 1.
  func prepareBytes(_ encoded: [UInt8]) throws(ImagingError) -> [UInt8] {
    let planes = try prepare(encoded)
    let planeCount = outputHeight * outputWidth
    var bytes: [UInt8] = []
    for pixel in 0..<planeCount {
      for plane in 0..<contract.channelCount {
        bytes.append(UInt8((planes[plane * planeCount + pixel] * 255).rounded()))
      }
    }
    return bytes
  }
}

extension Preprocessing {
  /// Contract that returns bytes as fractions of 255.
  static func plain(
    _ resize: ResizeRule, _ crop: CropRule = .none, policies: ImagePolicies = ImagePolicies(),
    exact: Bool = false
  ) throws(ImagingError) -> Preprocessing {
    try Preprocessing(
      resize: resize, crop: crop, mean: [0, 0, 0], std: [1, 1, 1], policies: policies,
      exact: exact)
  }

  /// Contract that leaves the image as it is; it must have this size to be seen whole.
  static func unscaled(
    height: Int, width: Int, policies: ImagePolicies = ImagePolicies()
  ) throws(ImagingError) -> Preprocessing {
    try plain(.none, .center(height: height, width: width), policies: policies)
  }
}

/// The mean difference of the bytes of two images of the same size.
func meanDifference(_ one: [UInt8], _ other: [UInt8]) -> Double {
  let sum = zip(one, other).reduce(0) { $0 + abs(Int($1.0) - Int($1.1)) }
  return Double(sum) / Double(max(one.count, 1))
}

/// The largest difference between two images of the same size.
func largestDifference(_ one: [UInt8], _ other: [UInt8]) -> Int {
  zip(one, other).map { abs(Int($0) - Int($1)) }.max() ?? 0
}
