import Imaging

/// Foreign files that begin, or end, with bytes of their own.
enum ForeignMagic {
  private typealias Magic = (offset: Int, bytes: [UInt8], file: ForeignFile)

  static func file(beginning start: [UInt8]) -> ForeignFile? {
    if let format = ImageFormat(magicBytesOf: start.span) {
      let article = format == .avif ? "an" : "a"
      return ForeignFile(
        "it is \(article) \(format.name) image",
        remedy: "resnetd classify takes images, with a model as --model")
    }
    if let magic = all.first(where: { start.dropFirst($0.offset).starts(with: $0.bytes) }) {
      return magic.file
    }
    if isHDF5(start) { return hdf5(start) }
    // No format of models begins with so many.
    guard start.count >= zeroCount, start.allSatisfy({ $0 == 0 }) else { return nil }
    return ForeignFile(
      "it begins with \(start.count) zeros, as a file does whose download was interrupted",
      remedy: "download it again and compare its size")
  }

  /// Recognises what has its magic number at the end: the index of a TensorFlow checkpoint, which
  /// is a table of LevelDB (its doc/table_format.md).
  static func file(ending bytes: ModelBytes) -> ForeignFile? {
    let magic: UInt64 = 0xdb47_7524_8b80_fb57
    guard bytes.count >= 48, bytes.integer(at: bytes.count - 8, as: UInt64.self) == magic else {
      return nil
    }
    return ForeignFile(
      "it is the index of a TensorFlow checkpoint",
      remedy: "load the model in TensorFlow and export it as ONNX with tf2onnx")
  }

  private static let all: [Magic] = archives + models

  private static let archives: [Magic] = [
    (0, [0x1f, 0x8b, 8], packed("packed by gzip", "gunzip, or tar -xzf for a .tar.gz or .tgz")),
    (0, [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0], packed("packed by xz", "xz -d, or tar -xJf")),
    (0, Array("BZh".utf8), packed("packed by bzip2", "bunzip2, or tar -xjf")),
    (0, [0x28, 0xb5, 0x2f, 0xfd], packed("packed by zstd", "zstd -d")),
    (0, [0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c], packed("a 7-Zip archive", "7z x")),
    (0, Array("Rar!".utf8), packed("a RAR archive", "unrar x")),
    (257, Array("ustar".utf8), packed("a tar archive", "tar -xf")),
  ]

  private static func packed(_ what: String, _ command: String) -> ForeignFile {
    ForeignFile("it is \(what)", remedy: "unpack it (\(command)) and give the model file inside")
  }

  /// Zeros at the beginning of a file that are no chance.
  private static let zeroCount = 64

  private static func isHDF5(_ start: [UInt8]) -> Bool {
    let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a]
    // A program may keep a block of its own before it (HDF5 specification, section II.A).
    return [0, 512, 1024, 2048].contains { start.dropFirst($0).starts(with: signature) }
  }

  /// Returns a file of Keras: a whole model has the names of its parts near its beginning.
  private static func hdf5(_ start: [UInt8]) -> ForeignFile {
    let isWhole = ["model_config", "model_weights"].contains { name in
      ForeignText.contains(start[...], name)
    }
    guard !isWhole else {
      return ForeignFile(
        "it is a model of Keras in an HDF5 file (.h5)", remedy: keras(loading: "model.h5"))
    }
    return ForeignFile(
      "it is an HDF5 file, in which Keras keeps weights without their network (save_weights)",
      remedy: "build the model in Python, then model.load_weights(\"model.weights.h5\") and "
        + "model.export(\"model.onnx\", format=\"onnx\"); if it is a whole model, "
        + "\(keras(loading: "model.h5"))")
  }

  private static let models: [Magic] = [
    (
      4, Array("TFL3".utf8),
      ForeignFile(
        "it is a TensorFlow Lite model",
        remedy: "make ONNX of it: "
          + "python -m tf2onnx.convert --tflite model.tflite --output model.onnx")
    ),
    (
      0, [0x93] + Array("NUMPY".utf8),
      ForeignFile(
        "it is one array of NumPy (.npy)",
        remedy: "a model has many: safetensors.numpy.save_file writes a dictionary of arrays")
    ),
    (
      0, [0x12, 1, 0, 0, 0, 0, 0, 0],
      ForeignFile("it is a file of MXNet's arrays (.params)", remedy: ForeignJSON.mxNetExport)
    ),
    (
      0, Array("GGUF".utf8),
      ForeignFile("it is a GGUF model, a form for language models")
    ),
    (0, [0x7f, 0x45, 0x4c, 0x46], ForeignFile("it is a program")),
    (0, Array("%PDF".utf8), ForeignFile("it is a PDF document")),
  ]

  /// Clause that makes ONNX of a file that Keras loads.
  static func keras(loading name: String) -> String {
    "export it as ONNX, in Keras 3: keras.models.load_model(\"\(name)\")"
      + ".export(\"model.onnx\", format=\"onnx\")"
  }
}
