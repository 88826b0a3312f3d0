import Checkpoint
import Foundation
import HostileFiles
import ResNet
import Testing

/// ONNX files with a tensor in another file.
@Suite final class ExternalTensorTests {
  private static var inside: ModelFile { ModelFile.classifier }
  private static let tensorName = "w"
  /// Byte offset of the numbers in the other file.
  private static let offset = 64

  private let folder: URL

  init() throws {
    folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("resnetd-external-\(UUID().uuidString)")
    try FileManager.default.createDirectory(
      at: folder.appendingPathComponent("inner"), withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  private func write(_ bytes: [UInt8], to name: String) throws {
    try Data(bytes).write(to: folder.appendingPathComponent(name))
  }

  /// Writes the classifier to `inner/model.onnx`, with its first tensor's numbers elsewhere.
  ///
  /// - Parameter isInNode: Whether that tensor is the value of a Constant node, not an initialiser.
  private func model(
    at location: String, offset: Int = offset, length: Int? = nil,
    readsExternalData: Bool = true, isInNode: Bool = false,
    _ change: (inout ModelFile) -> Void = { _ in }
  ) throws -> Model {
    var file = Self.inside
    var entries = [(key: "location", value: location), ("offset", "\(offset)")]
    if let length { entries.append(("length", "\(length)")) }
    file.tensors[0].fill = ModelFile.external(entries)
    change(&file)
    if isInNode { file.moveFirstTensorIntoNode() }
    try write(file.bytes, to: "inner/model.onnx")
    var options = ModelOptions()
    options.readsExternalData = readsExternalData
    return try Model.load(
      path: folder.appendingPathComponent("inner/model.onnx").path, options: options)
  }

  private static func numbers(of model: Model) throws -> [Float] {
    let tensor = try #require(model.weights["conv.weight"])
    return tensor.values
  }

  private static func bytes(of numbers: [Float]) -> [UInt8] {
    [UInt8](repeating: 7, count: offset)
      + numbers.flatMap { PickleBytes.little($0.bitPattern).bytes }
  }

  private func refusal(
    _ location: String, offset: Int = offset, length: Int? = nil, isInNode: Bool
  ) -> String {
    do {
      _ = try model(at: location, offset: offset, length: length, isInNode: isInNode)
      return ""
    } catch { return "\(error)" }
  }

  @Test(
    "Its numbers are those of the file in one piece, and the version is that of the file made of all",
    arguments: [false, true])
  func included(_ isInNode: Bool) throws {
    let whole = try Model.load(bytes: Self.inside.bytes, fileName: "model.onnx")
    let numbers = try Self.numbers(of: whole)
    try write(Self.bytes(of: numbers), to: "inner/weights.bin")
    let first = try model(at: "weights.bin", isInNode: isInNode)
    #expect(try Self.numbers(of: first) == numbers)
    #expect(first.graph == whole.graph && first.version != whole.version)
    try write(Self.bytes(of: numbers.map { -$0 }), to: "inner/weights.bin")
    let second = try model(at: "weights.bin", isInNode: isInNode)
    #expect(try Self.numbers(of: second) == numbers.map { -$0 })
    #expect(second.version != first.version)
    let made = folder.appendingPathComponent("made.safetensors").path
    try second.write(to: made)
    #expect(try Model.load(path: made).version == second.version)
  }

  @Test("It is not opened unless whoever loads the file says so", arguments: [false, true])
  func refused(_ isInNode: Bool) throws {
    let numbers = try Self.numbers(
      of: Model.load(bytes: Self.inside.bytes, fileName: "model.onnx"))
    try write(Self.bytes(of: numbers), to: "inner/weights.bin")
    #expect {
      try model(at: "weights.bin", readsExternalData: false, isInNode: isInNode)
    } throws: { "\($0)".contains("\"\(Self.tensorName)\" lies outside of the file") }
  }

  @Test("It lies in the file's folder, whole", arguments: [false, true])
  func bounded(_ isInNode: Bool) throws {
    let numbers = try Self.numbers(
      of: Model.load(bytes: Self.inside.bytes, fileName: "model.onnx"))
    let bytes = Self.bytes(of: numbers)
    try write(bytes, to: "weights.bin")
    try write(bytes.dropLast(), to: "inner/short.bin")
    let secret = folder.appendingPathComponent("weights.bin").path
    try FileManager.default.createSymbolicLink(
      atPath: folder.appendingPathComponent("inner/link.bin").path, withDestinationPath: secret)
    try write(bytes, to: "inner/whole.bin")
    func refusal(_ location: String, offset: Int = Self.offset, length: Int? = nil) -> String {
      self.refusal(location, offset: offset, length: length, isInNode: isInNode)
    }
    for location in ["../weights.bin", "a/../../weights.bin", secret, "link.bin"] {
      #expect(refusal(location).contains("outside the model's folder"), "\(location)")
    }
    #expect(refusal("short.bin").contains("short.bin, which has"))
    #expect(refusal("short.bin", offset: 1 << 40).contains("short.bin, which has"))
    let missing = refusal("missing.bin")
    #expect(missing.contains("in another file, missing.bin, which cannot be found"), "\(missing)")
    #expect(missing.contains("put it there under that name"), "\(missing)")
    for length in [0, numbers.count * 4 - 1, 1 << 59] {
      #expect(refusal("whole.bin", length: length).contains("its shape asks for"), "\(length)")
    }
    #expect(refusal("whole.bin", length: numbers.count * 4) == "")
    #expect(!refusal(".").isEmpty)
  }

  @Test("Tensors may share bytes", arguments: [false, true])
  func shared(_ isInNode: Bool) throws {
    let numbers = try Self.numbers(
      of: Model.load(bytes: Self.inside.bytes, fileName: "model.onnx"))
    try write(Self.bytes(of: numbers), to: "inner/weights.bin")
    let model = try model(at: "weights.bin", isInNode: isInNode) { file in
      // The normalisation's scale: the last four of the weights' numbers but one.
      file.tensors[1].fill = ModelFile.external([
        ("location", "weights.bin"), ("offset", "\(Self.offset + (numbers.count - 5) * 4)"),
      ])
    }
    #expect(try Self.numbers(of: model) == numbers)
    #expect(model.weights["bn.weight"]?.values == Array(numbers.dropLast().suffix(4)))
  }
}
