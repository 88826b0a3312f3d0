import CImageCodec
import Glibc

/// Decoding of one JPEG to rows with libjpeg-turbo's decoder of Huffman codes and with
/// CImageCodec's own, in turns.
struct HuffmanComparison {
  private let image: [UInt8]
  private let scale: UInt32
  /// Decodings of a measurement, so that none is short of the clock's resolution.
  private let repeats: Int

  private static let measurementMilliseconds = 2.0

  init(_ image: [UInt8], scale: UInt32) {
    self.image = image
    self.scale = scale
    let once = Self.milliseconds { Self.decode(image, scale, IMAGE_CODEC_HUFFMAN_LIBRARY) }
    repeats = max(1, Int(Self.measurementMilliseconds / max(once, 0.001)))
  }

  /// Prints the medians of the processor milliseconds of a decoding, and of the ratios of each
  /// round, with their tenth and their ninetieth percentile.
  func printFigures(rounds: Int) {
    var library: [Double] = []
    var own: [Double] = []
    var chosen: [Double] = []
    for _ in 0..<rounds {
      library.append(measure(IMAGE_CODEC_HUFFMAN_LIBRARY))
      own.append(measure(IMAGE_CODEC_HUFFMAN_OWN))
      chosen.append(measure(IMAGE_CODEC_HUFFMAN_AUTOMATIC))
    }
    print("library \(library.sorted()[rounds / 2])")
    print("own \(own.sorted()[rounds / 2])")
    print("chosen \(chosen.sorted()[rounds / 2])")
    let ratios = zip(library, own).map { $0 / $1 }.sorted()
    print("ratio \(ratios[rounds / 2])")
    print("low \(ratios[rounds / 10])")
    print("high \(ratios[rounds * 9 / 10])")
  }

  private func measure(_ choice: image_codec_huffman) -> Double {
    let all = Self.milliseconds {
      for _ in 0..<repeats { Self.decode(image, scale, choice) }
    }
    return all / Double(repeats)
  }

  private static func milliseconds(_ work: () -> Void) -> Double {
    let start = PreprocessingBenchmark.threadMilliseconds()
    work()
    return PreprocessingBenchmark.threadMilliseconds() - start
  }

  private static func decode(_ image: [UInt8], _ scale: UInt32, _ choice: image_codec_huffman) {
    let capacity = Int(IMAGE_CODEC_MESSAGE_BYTE_COUNT)
    var message = [CChar](repeating: 0, count: capacity)
    var header = image_codec_header()
    var opened: OpaquePointer?
    // SAFETY: the array stays in place until the reader is closed, within the closure.
    unsafe image.withUnsafeBufferPointer { bytes in
      let status = unsafe image_codec_reader_open(
        IMAGE_CODEC_FORMAT_JPEG, bytes.baseAddress!, bytes.count, &opened, &header, &message,
        capacity)
      guard status == IMAGE_CODEC_STATUS_OK, let reader = unsafe opened else {
        fail("the picture must be a JPEG")
      }
      defer { unsafe image_codec_reader_close(reader) }
      unsafe image_codec_reader_choose_huffman(reader, choice)
      var columns = image_codec_columns(first: 0, count: (header.width + scale - 1) / scale)
      var row = [UInt8](repeating: 0, count: 3 * Int(columns.count))
      var result = unsafe image_codec_reader_start(
        reader, scale, &columns, image_codec_backdrop(), &message, capacity)
      for _ in 0..<(header.height + scale - 1) / scale where result == IMAGE_CODEC_STATUS_OK {
        result = unsafe image_codec_reader_read_row(reader, &row, &message, capacity)
      }
      if result != IMAGE_CODEC_STATUS_OK { fail("the picture must be sound") }
    }
  }

  private static func fail(_ reason: String) -> Never {
    print(reason)
    exit(1)
  }
}
