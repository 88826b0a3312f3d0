/// Names of the model files that commands write.
enum WrittenFile {
  /// Formats that are written.
  enum Format: String, Sendable {
    case safetensors
    case onnx
  }

  /// Endings that belong to other formats, so that a file under them would be taken for one.
  private static let otherEndings: Set<String> = [
    "pth", "pt", "th", "bin", "ckpt", "pkl", "pickle", "tar", "pt2", "mar", "ptl", "h5", "hdf5",
    "keras", "tflite", "pb", "npz", "npy", "xml", "mlmodel", "msgpack", "pdparams", "params",
    "caffemodel", "gguf", "zip", "gz", "json", "txt",
  ]

  /// Throws if the name of the file to write is that of another format.
  ///
  /// - Parameters:
  ///   - place: The operand or option that names it, for the message.
  ///   - onnxRemedy: How an ONNX file is written instead.
  static func check(
    _ path: String, _ place: String, holds format: Format, onnxRemedy: String
  ) throws(UsageError) {
    let file = path.split(separator: "/").last ?? ""
    guard let dot = file.lastIndex(of: "."), dot != file.startIndex else { return }
    let ending = file[file.index(after: dot)...].lowercased()
    let other = format == .onnx ? Format.safetensors : .onnx
    guard otherEndings.contains(ending) || ending == other.rawValue else { return }
    let remedy =
      ending == "onnx"
      ? onnxRemedy
      : ["pth", "pt", "th", "bin", "ckpt"].contains(ending)
        ? "PyTorch reads what convert --to plain writes by safetensors.torch.load_file"
        : "safetensors and ONNX are what is written"
    throw UsageError(
      "\(place) would hold \(format == .onnx ? "ONNX" : "safetensors"), and \"\(file.suffix(60))\" "
        + "is the name of another format: call it \(file[..<dot].suffix(60)).\(format.rawValue); "
        + remedy)
  }
}
