import Imaging
import ResNet

/// What one pass over an image found.
struct SurveyedImage: Sendable {
  /// Index in the folder's images.
  var index: Int
  /// SHA-256 of the file.
  var digest: [UInt8]
  var likeness: Likeness?
  /// What a network gives for it; empty if no network has run, or if that is on disk.
  var features: [Float] = []
  /// Entry of its features on disk.
  var entry: Int?
  /// The image as views of it are drawn from, if its layers are trained.
  var canvas: Canvas?
}

/// A hash that images which look alike have in common, but for few bits: which of two neighbours in
/// a grid of 9x8 mean brightnesses is the brighter one (dHash, Krawetz 2013).
struct Likeness: Hashable, Sendable {
  /// Bits that may differ between images that look the same.
  static let toleratedBitCount = 2
  private static let (rows, columns) = (8, 9)
  /// Differences below this share of the range of brightness are those of a plain surface.
  private static let leastContrast: Float = 0.02

  let bits: UInt64

  init(bits: UInt64) { self.bits = bits }

  /// Hashes bytes `[H, W, C]` in the same way.
  init?(_ pixels: [some BinaryInteger], _ shape: FeatureShape) {
    self.init(pixels.map { Float($0) }, shape)
  }

  /// Hashes a network's input `[H, W, C]`; nil for an image so plain that it looks like any other.
  init?(_ pixels: [Float], _ shape: FeatureShape) {
    let means = Self.means(pixels, shape)
    let contrast = (means.max() ?? 0) - (means.min() ?? 0)
    var bits: UInt64 = 0
    var plainCount = 0
    for row in 0..<Self.rows {
      for column in 0..<Self.columns - 1 {
        let place = row * Self.columns + column
        let difference = means[place + 1] - means[place]
        bits = bits << 1 | (difference > 0 ? 1 : 0)
        if abs(difference) < Self.leastContrast * contrast { plainCount += 1 }
      }
    }
    guard contrast > 0, plainCount < 48 else { return nil }
    self.bits = bits
  }

  private static func means(_ pixels: [Float], _ shape: FeatureShape) -> [Float] {
    var means: [Float] = []
    for row in 0..<rows {
      let (top, bottom) = bounds(row, of: rows, in: shape.height)
      for column in 0..<columns {
        let (left, right) = bounds(column, of: columns, in: shape.width)
        var sum: Float = 0
        for y in top..<bottom {
          let row = y * shape.width
          for index in (row + left) * shape.channels..<(row + right) * shape.channels {
            sum += pixels[index]
          }
        }
        means.append(sum / Float((bottom - top) * (right - left) * shape.channels))
      }
    }
    return means
  }

  /// Pixels of a cell, at least one.
  private static func bounds(_ index: Int, of count: Int, in size: Int) -> (Int, Int) {
    let start = min(index * size / count, size - 1)
    return (start, max(start + 1, (index + 1) * size / count))
  }
}
