import Files
import Inference

/// The picture that explains the answer to one image.
struct ExplanationFile: Sendable {
  let overlay: ActivationOverlay
  private let path: String

  /// Returns nil if none is wanted.
  ///
  /// - Parameter isAlone: Whether one image is asked for.
  init?(
    _ settings: ClassifyCommand.Settings, isAlone: Bool, _ model: CompiledModel
  ) throws {
    guard let path = settings.explain else { return nil }
    guard isAlone else {
      throw UsageError("--explain is for one image: name a single file, or leave --explain out")
    }
    overlay = try ActivationOverlay(model, limits: settings.decoding)
    self.path = path
    try WrittenFile.checkPlace(path)
    try WrittenFile.checkFree(
      path, replaces: settings.force,
      remedies: "--force replaces it, another --explain leaves it")
  }

  /// Writes the picture of an image.
  ///
  /// - Parameter pixels: What the overlay's preprocessor prepared.
  func write(_ output: ImageOutput, _ pixels: [UInt8]) throws(Failure) {
    guard let map = output.lastMap, let label = Ranking.best(output.numbers),
      let picture = overlay.png(pixels, of: label, map)
    else { throw Failure("\(path) is not written: the network's last map is not finite") }
    do throws(FileError) {
      try AtomicFile.write(to: path) { file throws(FileError) in
        // SAFETY: the elements are bytes.
        try file.write(unsafe picture.span.bytes)
      }
    } catch {
      throw Failure(error.description)
    }
  }
}
