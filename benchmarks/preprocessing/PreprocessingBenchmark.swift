import Glibc
import Imaging

/// Times `Imaging` over one picture: `preprocessing-benchmark PICTURE ROUNDS`. Prints milliseconds, the
/// median of the rounds.
@main
enum PreprocessingBenchmark {
  static func main() throws {
    let arguments = CommandLine.arguments
    guard arguments.count == 3, let rounds = Int(arguments[2]), rounds > 0,
      let picture = bytes(of: arguments[1])
    else {
      print("usage: preprocessing-benchmark PICTURE ROUNDS")
      exit(2)
    }
    // A crop of one pixel leaves little but the decoding, which always reads the whole picture.
    let decoding = try Preprocessing(
      resize: .none, crop: .center(height: 1, width: 1), mean: [0, 0, 0], std: [1, 1, 1])
    let cases: [(String, Preprocessing)] = [
      ("decode", decoding),
      ("decode+resize", try uncropped(side: 256)),
      ("decode+resize+crop+normalise", .imageNet),
    ]
    for (name, contract) in cases {
      let preprocessor = ImagePreprocessor(contract)
      _ = try median(preprocessor, picture, rounds: rounds)
      let milliseconds = try median(preprocessor, picture, rounds: rounds)
      print("\(name) \((milliseconds * 1000).rounded() / 1000)")
    }
  }

  /// The whole picture after the resize to the shorter side, for pictures of 4 to 3.
  private static func uncropped(side: Int) throws -> Preprocessing {
    try Preprocessing(
      resize: .shorterSide(size: side, filter: .bilinear), crop: .center(height: side, width: 341),
      mean: [0, 0, 0], std: [1, 1, 1])
  }

  private static func median(
    _ preprocessor: ImagePreprocessor, _ picture: [UInt8], rounds: Int
  ) throws -> Double {
    var pixels = [Float](repeating: 0, count: preprocessor.outputCount)
    var times: [Double] = []
    let clock = ContinuousClock()
    for _ in 0..<rounds {
      var span = pixels.mutableSpan
      let start = clock.now
      try preprocessor.prepare(picture.span, into: &span)
      let elapsed = clock.now - start
      times.append(Double(elapsed.components.attoseconds) / 1e15)
    }
    return times.sorted()[rounds / 2]
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
