import Glibc
import Imaging

/// Times `Imaging` over one image, or compares its two ways of decoding; prints a line per number.
@main
enum PreprocessingBenchmark {
  /// What ImageNet's contract resizes the shorter side to.
  private static let side = 256

  private static let usage = """
    usage: preprocessing-benchmark PICTURE WIDTH ROUNDS exact|scaled
           preprocessing-benchmark PICTURE difference
           preprocessing-benchmark PICTURE huffman SCALE ROUNDS
    Median processor milliseconds of each step, WIDTH being that of the image resized to a height of 256; or
    how far the network's input, in steps of 255, moves by decoding at a smaller scale; or milliseconds of
    decoding at 1/SCALE (1, 2, 4, 8) with either decoder of Huffman codes.
    """

  static func main() throws {
    let arguments = Array(CommandLine.arguments.dropFirst())
    if arguments.count == 2, arguments[1] == "difference", let image = bytes(of: arguments[0]) {
      try printDifference(image)
    } else if arguments.count == 4, let image = bytes(of: arguments[0]),
      let width = Int(arguments[1]), let rounds = Int(arguments[2]), rounds > 0,
      ["exact", "scaled"].contains(arguments[3])
    {
      try printTimes(image, width: width, rounds: rounds, exact: arguments[3] == "exact")
    } else if arguments.count == 4, arguments[1] == "huffman", let image = bytes(of: arguments[0]),
      let scale = UInt32(arguments[2]), let rounds = Int(arguments[3]), rounds > 0
    {
      HuffmanComparison(image, scale: scale).printFigures(rounds: rounds)
    } else {
      print(usage)
      exit(2)
    }
  }

  private static func printTimes(
    _ image: [UInt8], width: Int, rounds: Int, exact: Bool
  ) throws {
    let cases: [(name: String, contract: Preprocessing)] = [
      // A crop of one row leaves little but the decoding of all rows and columns.
      ("decode", try plain(.center(height: 1, width: width), exact: exact)),
      ("resize", try plain(.center(height: side, width: width), exact: exact)),
      ("prepare", try imageNet(exact: exact)),
    ]
    for (name, contract) in cases {
      let milliseconds = try median(ImagePreprocessor(contract), image, rounds: rounds)
      print("\(name) \(milliseconds)")
    }
  }

  private static func printDifference(_ image: [UInt8]) throws {
    let crop = CropRule.center(height: 224, width: 224)
    let whole = try prepared(ImagePreprocessor(plain(crop, exact: true)), image)
    let scaled = try prepared(ImagePreprocessor(plain(crop, exact: false)), image)
    let differences = zip(whole, scaled).map { (abs($0 - $1) * 255).rounded() }.sorted()
    print("mean \(differences.reduce(0, +) / Float(differences.count))")
    print("p99 \(differences[differences.count * 99 / 100])")
    print("max \(differences[differences.count - 1])")
  }

  /// Bytes as fractions of 255.
  private static func plain(_ crop: CropRule, exact: Bool) throws -> Preprocessing {
    try Preprocessing(
      resize: .shorterSide(size: side, filter: .bilinear), crop: crop, mean: [0, 0, 0],
      std: [1, 1, 1], exact: exact)
  }

  private static func imageNet(exact: Bool) throws -> Preprocessing {
    let contract = Preprocessing.imageNet
    return try Preprocessing(
      resize: contract.resize, crop: contract.crop, mean: contract.mean, std: contract.std,
      exact: exact)
  }

  private static func prepared(
    _ preprocessor: ImagePreprocessor, _ image: [UInt8]
  ) throws -> [Float] {
    var pixels = [Float](repeating: 0, count: preprocessor.outputCount)
    var span = pixels.mutableSpan
    try preprocessor.prepare(image.span, into: &span)
    return pixels
  }

  /// Processor milliseconds per image, after one that does not count.
  private static func median(
    _ preprocessor: ImagePreprocessor, _ image: [UInt8], rounds: Int
  ) throws -> Double {
    var pixels = try prepared(preprocessor, image)
    var times: [Double] = []
    for _ in 0..<rounds {
      var span = pixels.mutableSpan
      let start = threadMilliseconds()
      try preprocessor.prepare(image.span, into: &span)
      times.append(threadMilliseconds() - start)
    }
    return times.sorted()[rounds / 2]
  }

  /// Processor time of the only thread, which others on the machine do not lengthen by their turns.
  static func threadMilliseconds() -> Double {
    var time = timespec()
    unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) * 1e3 + Double(time.tv_nsec) / 1e6
  }

  private static func bytes(of path: String) -> [UInt8]? {
    guard let file = unsafe fopen(path, "rb") else { return nil }
    defer { unsafe fclose(file) }
    var bytes: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = unsafe fread(&part, 1, part.count, file)
      if count == 0 { return bytes }
      bytes += part[..<count]
    }
  }
}
