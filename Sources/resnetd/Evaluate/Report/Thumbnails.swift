import Decoding
import Files
import Imaging

/// Small copies of images, each as a URL that holds it.
struct Thumbnails {
  /// Side of a copy in pixels; the image lies in it as a whole.
  private static let side = 128
  private static let quality: Float = 75
  /// Time for decoding one image.
  private static let timeout = Duration.seconds(10)

  private var urls: [String: String] = [:]

  /// Makes those of these files; one that cannot be decoded any more has none.
  init(of paths: [String], by decoder: any ImageDecoder) {
    guard let contract = Self.contract else { return }
    let preprocessor = ImagePreprocessor(contract)
    for path in Set(paths) {
      guard case .bytes(let encoded) = ImageReader.read(ListedImage(path, .file)) else { continue }
      var bytes = [UInt8](repeating: 0, count: preprocessor.outputByteCount)
      var span = bytes.mutableSpan
      guard
        (try? decoder.prepare(
          encoded.span, by: preprocessor, into: &span, until: .now + Self.timeout)) != nil
      else { continue }
      guard
        let image = WebPImage.encoded(
          Self.pixels(of: bytes), width: Self.side, height: Self.side, quality: Self.quality)
      else { continue }
      urls[path] = "data:image/webp;base64,\(Base64Text.text(image))"
    }
  }

  /// Returns an image's copy as a URL; nil if there is none.
  func url(of path: String) -> String? { urls[path] }

  /// The whole image in a square, numbers as stored.
  private static let contract = try? Preprocessing(
    resize: .letterbox(
      height: side, width: side, filter: .bilinear, fill: Colour(red: 128, green: 128, blue: 128)),
    crop: .none, mean: [0, 0, 0], std: [1, 1, 1], range: .byte)

  /// Returns `[H, W, 3]` bytes of planes of numbers.
  private static func pixels(of bytes: [UInt8]) -> [UInt8] {
    let count = side * side
    var pixels = [UInt8](repeating: 0, count: 3 * count)
    unsafe bytes.withUnsafeBytes { numbers in
      for channel in 0..<3 {
        for index in 0..<count {
          // SAFETY: within the three planes that the contract writes.
          let value = unsafe numbers.loadUnaligned(
            fromByteOffset: (channel * count + index) * MemoryLayout<Float>.stride, as: Float.self)
          pixels[3 * index + channel] = UInt8(min(max(value.rounded(), 0), 255))
        }
      }
    }
    return pixels
  }
}
