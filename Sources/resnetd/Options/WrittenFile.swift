import Files
import Glibc

/// Names and places of the files that commands write.
enum WrittenFile {
  /// Formats that are written.
  enum Format: String, CaseIterable, Sendable {
    case safetensors, onnx, csv, jsonl, json, text, html, npy, png

    /// Endings of names of this format, the usual one first.
    var endings: [String] {
      switch self {
      case .jsonl: ["jsonl", "ndjson"]
      case .text: ["txt", "text", "log"]
      case .html: ["html", "htm"]
      case .safetensors, .onnx, .csv, .json, .npy, .png: [rawValue]
      }
    }

    /// Whether it is lines of text, which a name for text alone promises too.
    var isText: Bool { [.csv, .jsonl, .json, .text].contains(self) }

    var name: String {
      switch self {
      case .safetensors: "safetensors"
      case .onnx: "ONNX"
      case .csv: "CSV"
      case .jsonl: "JSON lines"
      case .json: "JSON"
      case .text: "text"
      case .html: "HTML"
      case .npy: "a NumPy array"
      case .png: "a PNG image"
      }
    }
  }

  /// Endings of formats that nothing here writes, so that a file under them would be taken for one.
  private static let otherEndings: Set<String> = [
    "pth", "pt", "th", "bin", "ckpt", "pkl", "pickle", "tar", "pt2", "mar", "ptl", "h5", "hdf5",
    "keras", "tflite", "pb", "npz", "xml", "mlmodel", "msgpack", "pdparams", "params",
    "caffemodel", "gguf", "zip", "gz", "xz", "zst", "bz2", "7z", "xlsx", "xls", "xlsm", "ods",
    "numbers", "tsv", "tab", "parquet", "feather", "arrow", "orc", "avro", "mat", "sqlite", "db",
    "sql", "yaml", "yml", "toml", "ini", "md", "pdf", "doc", "docx", "odt", "rtf", "tex", "svg",
  ]

  /// Returns the ending of a file's name, in lower case without its dot; nil if it has none.
  static func ending(of path: String) -> String? {
    let file = path.split(separator: "/").last ?? ""
    guard let dot = file.lastIndex(of: "."), dot != file.startIndex,
      file.index(after: dot) != file.endIndex
    else { return nil }
    return file[file.index(after: dot)...].lowercased()
  }

  /// Throws if the name of the file to write is that of another format.
  ///
  /// - Parameters:
  ///   - place: The operand or option that names it, for the message.
  ///   - remedy: How a file of another format is written instead, by its ending.
  static func check(
    _ path: String, _ place: String, holds format: Format,
    remedy: (_ ending: String) -> String? = { _ in nil }
  ) throws(UsageError) {
    guard path != "-" || format.isText else {
      throw UsageError(
        "\(place) - would be a file of that name, for \(format.name) is not written to standard output: "
          + "name a file, ./- for this one")
    }
    guard let ending = ending(of: path), !format.endings.contains(ending) else { return }
    let isForeign =
      otherEndings.contains(ending) || ImageFolder.isImageEnding(ending)
      || Format.allCases.contains { $0.endings.contains(ending) && !($0 == .text && format.isText) }
    guard isForeign else { return }
    let file = path.split(separator: "/").last ?? ""
    let stem = file.dropLast(ending.count + 1).suffix(60)
    throw UsageError(
      "\(place) would hold \(format.name), and \"\(file.suffix(60))\" is the name of another format: "
        + "call it \(stem).\(format.endings[0])" + (remedy(ending).map { "; \($0)" } ?? ""))
  }

  /// The same for a model file.
  ///
  /// - Parameter onnxRemedy: How an ONNX file is written instead.
  static func check(
    _ path: String, _ place: String, holds format: Format, onnxRemedy: String
  ) throws(UsageError) {
    try check(path, place, holds: format) { ending in
      switch ending {
      case "onnx": onnxRemedy
      case "pth", "pt", "th", "bin", "ckpt":
        "PyTorch reads what convert --to plain writes by safetensors.torch.load_file"
      default: "safetensors and ONNX are what is written"
      }
    }
  }

  /// Throws if a file is there that is not to be replaced. An empty one may be, and what is no regular
  /// file: it loses nothing.
  ///
  /// - Parameter remedies: What to do about it, which completes "FILE exists; ".
  static func checkFree(
    _ path: String, replaces: Bool, remedies: String
  ) throws(Failure) {
    var status = stat()
    let isKept =
      unsafe stat(path, &status) == 0 && RegularFile.isRegular(status) && status.st_size > 0
    guard !isKept || replaces else { throw Failure("\(path) exists; \(remedies)") }
  }

  /// Throws if a file cannot be written there, so that nobody waits for a result in vain.
  static func checkPlace(_ path: String) throws(Failure) {
    var status = stat()
    let isThere = unsafe stat(path, &status) == 0
    guard !isThere || status.st_mode & S_IFMT != S_IFDIR else {
      throw Failure("cannot write \(path): it is a folder; name a file in it")
    }
    // Devices and pipes are written as they are, files and what is new in their folder.
    let isInFolder = !isThere || RegularFile.isRegular(status)
    let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
    guard unsafe access(isInFolder ? folder : path, isInFolder ? W_OK | X_OK : W_OK) != 0 else {
      return
    }
    throw Failure(
      "cannot write \(path): \(SystemError.text()); name a file in a folder that can be written")
  }
}
