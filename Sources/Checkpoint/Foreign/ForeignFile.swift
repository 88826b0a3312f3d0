/// A file that people take for a model file, and what makes one of it.
struct ForeignFile: Hashable {
  /// What it is, in words that follow "not a model file:".
  let found: String
  /// What to do, a clause; nil if nothing makes a model of such a file.
  let remedy: String?

  init(_ found: String, remedy: String? = nil) {
    (self.found, self.remedy) = (found, remedy)
  }

  var error: CheckpointError { .notModel(found: found, remedy: remedy) }

  /// Bytes that are examined.
  private static let examinedByteCount = 4096
  /// Bytes of a string or a file that a message shows.
  static let shownByteCount = 24

  /// Recognises a file by its first bytes; nil for possible model files, none of which begin like
  /// any of these.
  init?(sniffing bytes: ModelBytes) {
    let start = (0..<min(bytes.count, Self.examinedByteCount)).map { bytes.byte(at: $0) }
    guard
      let known = ForeignMagic.file(beginning: start) ?? ForeignMessage.file(beginning: start)
        ?? ForeignText.file(beginning: start) ?? ForeignMagic.file(ending: bytes)
    else { return nil }
    self = known
  }

  /// Describes bytes that look like nothing known.
  static func unknown(_ bytes: ModelBytes) -> ForeignFile {
    let shown = (0..<min(bytes.count, shownByteCount / 3)).map { index in
      let digits = String(bytes.byte(at: index), radix: 16)
      return digits.utf8.count < 2 ? "0" + digits : digits
    }
    let kind = bytes.count > shown.count ? "it begins with" : "all it has are"
    return ForeignFile(
      bytes.count == 0 ? "it is empty" : "\(kind) the bytes \(shown.joined(separator: " "))")
  }

  /// One of the files of a checkpoint that several processes wrote, or the folder of all.
  static let distributedCheckpoint = ForeignFile(
    "it is a checkpoint of torch.distributed.checkpoint (FSDP and others), in a folder of several files",
    remedy: "make one file of the folder, in Python: from torch.distributed.checkpoint import "
      + "format_utils; format_utils.dcp_to_torch_save(\"FOLDER\", \"model.pth\")")

  /// Clause for formats whose own tools have no way to ONNX.
  static let exportTheOriginal = "export the model that it was made from as ONNX"
}
