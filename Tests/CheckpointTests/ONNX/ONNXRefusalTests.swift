import Checkpoint
import Engine
import Foundation
import ResNet
import Testing

/// Graphs that are not classifiers of the family, or lie.
@Suite struct ONNXRefusalTests {
  private struct Refused: Decodable {
    let file: Data
    /// A part of the error; empty if the reader, ONNX's checker or the translation may come first.
    let reason: String
  }

  @Test(
    "A graph that cannot be taken is refused with what is wrong and where",
    arguments: [("onnx-refused", 40), ("onnx-quantized-refused", 35)])
  func refusals(name: String, least: Int) throws {
    let files = try JSONDecoder().decode(
      [String: Refused].self, from: Data(try Fixtures.bytes("\(name).json")))
    #expect(files.count > least)
    for (name, refused) in files.sorted(by: { $0.key < $1.key }) {
      let error = #expect(throws: CheckpointError.self, "\(name)") {
        try Model.load(
          bytes: Array(refused.file), fileName: "hostile.onnx",
          options: ModelOptions(labels: ["a", "b", "c", "d", "e"]))
      }
      guard let error, !refused.reason.isEmpty else { continue }
      #expect(error.description.contains(refused.reason), "\(name): \(error)")
    }
  }

  @Test(
    "A file with a changed byte loads, and then compiles or not, or is refused",
    arguments: [
      ("view-11", 29), ("padded-13", 97), ("lopsided-11", 41), ("tensorflow-13", 31),
      ("keras-v1", 89), ("selected-13", 31), ("excited-9", 101),
      ("rearranged-13", 83), ("functions-20", 331), ("normalized-17", 71), ("resized-13", 59),
      ("qop-signed-13", 61),
    ])
  func changedBytes(name: String, step: Int) throws {
    let bytes = try Fixtures.bytes("\(name).onnx")
    for index in stride(from: 0, to: bytes.count, by: step) {
      var changed = bytes
      changed[index] ^= 0xA5
      guard let model = loaded(changed) else { continue }
      #expect(model.labels.count == 5 || model.format != .onnx)
      // Changed sizes may be large; an estimate of memory admits them before they are compiled.
      let largest = try model.graph.shapes().map(\.elementCount).max() ?? 0
      guard largest < 1 << 20 else { continue }
      do throws(EngineError) {
        #expect(try CompiledNetwork(model.graph, model.weights).outputCount > 0)
      } catch {
        #expect(!error.description.isEmpty)
      }
    }
  }

  /// Returns nil if the file is refused.
  private func loaded(_ bytes: [UInt8]) -> Model? {
    do throws(CheckpointError) {
      var options = ModelOptions()
      options.numbersClasses = true
      options.preprocessing = try Contract.read("cifar10").preprocessing
      return try Model.load(bytes: bytes, fileName: "changed.onnx", options: options)
    } catch {
      #expect(!error.description.isEmpty)
      return nil
    }
  }
}
