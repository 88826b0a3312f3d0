import Engine
import Foundation
import Testing

/// ONNX files that were quantised elsewhere.
@Suite(.serialized) struct QuantizedFileTests {
  private static let fixtures = ProgramUnderTest.repository + "/Tests/CheckpointTests/Fixtures"
  private static let image = ProgramUnderTest.repository + "/Tests/Images/ship.jpg"

  private func classify(_ file: String, precision: String) async throws -> ProgramUnderTest.Outcome
  {
    let folder = try TemporaryFolder()
    let labels = try folder.file("labels.txt", "a\nb\nc\nd\ne\n")
    return try await ProgramUnderTest.run(
      ProgramUnderTest.url,
      [
        "classify", "--model", Self.fixtures + "/" + file, "--labels", labels.path, "--precision",
        precision, Self.image,
      ])
  }

  @Test("inspect tells that a quantised file is calibrated, by what, and which layers are not")
  func described() async throws {
    let outcome = try await ProgramUnderTest.run("inspect", Self.fixtures + "/qdq-part-13.onnx")
    let row = "ranges, from the file's QuantizeLinear nodes (onnx.quantize); in floating point: "
    let line = try #require(
      outcome.output.split(separator: "\n").first { $0.hasPrefix("calibration") })
    #expect(line.contains(row) && line.contains("fc"), "\(line)")
  }

  @Test("A quantised file runs as int8 without being quantised here, one of weights alone does not")
  func precision() async throws {
    let quantized = try await classify("qdq-signed-13.onnx", precision: "int8")
    let isSupported = Precision.int8.isSupported
    #expect((quantized.exitCode == 0) == isSupported, "\(quantized.errors)")
    if !isSupported { #expect(quantized.errors.contains("int8 needs")) }
    #expect(try await classify("qdq-signed-13.onnx", precision: "fp32").exitCode == 0)
    let refused = try await classify("qdq-weights-17.onnx", precision: "int8")
    #expect(refused.exitCode != 0 && refused.errors.contains("no calibration for int8"))
  }
}
