import Engine
import Foundation
import ONNX
import Testing
import resnetd

/// `resnetd run` on a graph of one Relu from `x`, float [?, 2], to `y`, written byte by byte.
@Suite(.serialized) struct RunTests {
  private static func field(_ number: UInt8, _ bytes: [UInt8]) -> [UInt8] {
    [number << 3 | 2, UInt8(bytes.count)] + bytes
  }

  private static func value(_ name: String) -> [UInt8] {
    let shape = field(1, field(2, Array("N".utf8))) + field(1, [8, 2])
    return field(1, Array(name.utf8)) + field(2, field(1, [8, 1] + field(2, shape)))
  }

  private static let model: [UInt8] = {
    let node = field(1, [0x78]) + field(2, [0x79]) + field(4, Array("Relu".utf8))
    let graph =
      field(1, node) + field(2, [0x67]) + field(11, value("x")) + field(12, value("y"))
    return [8, 8] + field(8, [16, 13]) + field(7, graph)
  }()

  private func folder() throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    try Data(Self.model).write(to: folder.url.appendingPathComponent("model.onnx"))
    let array = DenseTensor(.float, [2, 2], [-1.0, 1, 2, -2])
    try Data(NPYFile.bytes(array)).write(to: folder.url.appendingPathComponent("x.npy"))
    return folder
  }

  private func run(_ folder: TemporaryFolder, _ arguments: String...) async throws
    -> ProgramUnderTest.Outcome
  {
    let path = { folder.url.appendingPathComponent($0).path }
    return try await ProgramUnderTest.run(
      ProgramUnderTest.url,
      ["run", path("model.onnx")] + arguments.map { $0.replacing("@", with: path("") + "/") })
  }

  @Test("An unnamed input and output will do where there is one of each", arguments: ["", "x="])
  func runs(_ prefix: String) async throws {
    let folder = try folder()
    let outcome = try await run(folder, "--input", "\(prefix)@x.npy", "--output", "@y.npy")
    #expect(outcome.exitCode == 0, "\(outcome.errors)")
    let bytes = try Data(contentsOf: folder.url.appendingPathComponent("y.npy"))
    #expect(try NPYFile.read([UInt8](bytes)) == DenseTensor(.float, [2, 2], [0.0, 1, 2, 0]))
  }

  @Test(
    "What is wrong is said in one line",
    arguments: [
      (["--input", "@x.npy"], 2, "name at least one --output"),
      (["-o", "@y.npy"], 1, "input \"x\": is missing; the graph takes float [?, 2]"),
      (["--input", "@none.npy", "-o", "@y.npy"], 1, "none.npy: cannot open it"),
      (["--input", "@model.onnx", "-o", "@y.npy"], 1, "model.onnx: no .npy file"),
      (["--input", "@x.npy", "--input", "x=@x.npy", "-o", "@y"], 2, "two files for the input x"),
    ])
  func refuses(_ arguments: [String], _ exitCode: Int32, _ text: String) async throws {
    let folder = try folder()
    let path = folder.url.path + "/"
    let outcome = try await ProgramUnderTest.run(
      ProgramUnderTest.url,
      ["run", path + "model.onnx"] + arguments.map { $0.replacing("@", with: path) })
    #expect(outcome.exitCode == exitCode)
    #expect(outcome.errors.contains(text), "\(outcome.errors)")
  }
}

/// `resnetd run --engine` on a network that Keras exported, with the logits that it gives.
@Suite(.serialized) struct EngineRunTests {
  private static let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("CheckpointTests/Fixtures")
  private static let size = 32

  private func run(
    _ shape: [Int], _ options: String...
  ) async throws -> (outcome: ProgramUnderTest.Outcome, logits: DenseTensor?) {
    let folder = try TemporaryFolder()
    let path = { folder.url.appendingPathComponent($0).path }
    let imageCount = 3 * Self.size * Self.size
    let values = (0..<shape.reduce(1, *)).map { Double($0 % imageCount * 7919 % 257) / 128 - 1 }
    try Data(NPYFile.bytes(DenseTensor(.float, shape, values))).write(
      to: URL(fileURLWithPath: path("x.npy")))
    let outcome = try await ProgramUnderTest.run(
      ProgramUnderTest.url,
      [
        "run", Self.fixtures.appendingPathComponent("keras-v1.onnx").path, "--engine", "--input",
        path("x.npy"), "--output", path("y.npy"),
      ] + options)
    let bytes = try? Data(contentsOf: URL(fileURLWithPath: path("y.npy")))
    return (outcome, try bytes.map { try NPYFile.read([UInt8]($0)) })
  }

  @Test("Images give their network's logits", arguments: [(1, "fp32"), (3, "fp32"), (2, "bf16")])
  func logits(count: Int, precision: String) async throws {
    struct Answer: Decodable { let logits: [Double] }
    let answers = try JSONDecoder().decode(
      [String: Answer].self,
      from: Data(contentsOf: Self.fixtures.appendingPathComponent("onnx-keras.json")))
    let expected = try #require(answers["keras-v1"]?.logits)
    let (outcome, logits) = try await run(
      [count, 3, Self.size, Self.size], "--precision", precision)
    guard Precision(rawValue: precision)?.isSupported == true else {
      return #expect(outcome.exitCode == 1 && outcome.errors.contains("\(precision) needs"))
    }
    #expect(outcome.exitCode == 0, "\(outcome.errors)")
    #expect(logits?.shape == [count, expected.count])
    guard case .floating(let found)? = logits?.numbers else { return #expect(logits != nil) }
    let largest = try #require(expected.map(abs).max())
    let tolerance = precision == "fp32" ? 1e-4 : 5e-2
    for (index, value) in found.enumerated() {
      #expect(abs(value - expected[index % expected.count]) <= tolerance * largest)
    }
  }

  @Test("Other arrays, and int8 without a calibration, are refused")
  func refuses() async throws {
    for shape in [[1, Self.size, Self.size, 3], [3, Self.size, Self.size], [0, 3, 32, 32]] {
      let (outcome, logits) = try await run(shape)
      #expect(outcome.exitCode == 1 && logits == nil)
      #expect(outcome.errors.contains("the network takes floating-point numbers [N, 3, 32, 32]"))
    }
    let (outcome, _) = try await run([1, 3, Self.size, Self.size], "--precision", "int8")
    #expect(outcome.exitCode == 1 && outcome.errors.contains("calibration"))
  }
}

@Suite(.serialized) struct NPYTests {
  private func file(_ header: String, _ numbers: [UInt8], version: UInt8 = 1) -> [UInt8] {
    let count = header.utf8.count
    let length = (0..<(version == 1 ? 2 : 4)).map { UInt8(count >> (8 * $0) & 0xFF) }
    return NPYFile.magic + [version, 0] + length + Array(header.utf8) + numbers
  }

  @Test("All three versions are read", arguments: [1, 2, 3] as [UInt8])
  func versions(_ version: UInt8) throws {
    let bytes = file(
      "{'descr': '<i2', 'fortran_order': False, 'shape': (2,), }  \n", [1, 0, 0xFF, 0xFF],
      version: version)
    #expect(try NPYFile.read(bytes) == DenseTensor(.int16, [2], [1, -1] as [Int64]))
  }

  @Test("Big-endian and column-major arrays come out in order")
  func orders() throws {
    let bytes = file(
      "{'descr': '>u2', 'fortran_order': True, 'shape': (2, 3)}",
      [0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 1, 0])
    #expect(
      try NPYFile.read(bytes) == DenseTensor(.uint16, [2, 3], [1, 3, 5, 2, 4, 256] as [Int64]))
  }

  @Test("What is written can be read, for every type", arguments: ONNXElementType.allCases)
  func roundTrip(_ type: ONNXElementType) throws {
    guard type != .string else { return }
    for shape in [[], [0], [1], [2, 1, 3]] as [[Int]] {
      let count = shape.reduce(1, *)
      let bytes = [UInt8](repeating: 1, count: count * type.byteCount)
      let tensor = DenseTensor(type, shape, bytes: bytes)
      let written = NPYFile.bytes(tensor)
      #expect((written.count - bytes.count).isMultiple(of: 64))
      #expect(try NPYFile.read(written) == tensor)
    }
  }

  @Test(
    "Headers that make no sense are refused",
    arguments: [
      "", "{", "{}", "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775807, 2)}",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
      "{'descr': '<f4', 'fortran_order': Maybe, 'shape': (1,)}",
      "{'descr': '|O', 'fortran_order': False, 'shape': (1,)}",
      "{'descr': '<c8', 'fortran_order': False, 'shape': (1,)}",
      "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}",
      "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}",
      "{'descr': '<f4, 'fortran_order': False, 'shape': (1,)}",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} x",
    ])
  func badHeaders(_ header: String) {
    #expect(throws: Failure.self) { try NPYFile.read(file(header, [0, 0, 0x80, 0x3F])) }
  }

  @Test("Every truncation is refused")
  func truncations() {
    let bytes = NPYFile.bytes(DenseTensor(.float, [2], [1.0, 2]))
    for count in 0..<bytes.count {
      #expect(throws: Failure.self) { try NPYFile.read(Array(bytes.prefix(count))) }
    }
  }
}
