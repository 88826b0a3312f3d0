import Checkpoint
import Foundation
import Testing

/// Graphs that are no classifiers of the family, or lie.
@Suite struct ONNXRefusalTests {
  private struct Refused: Decodable {
    let file: Data
    /// A part of the error; empty where the reader, ONNX's checker and the translation may each be first.
    let reason: String
  }

  @Test("A graph that cannot be taken is refused with what is wrong and where")
  func refusals() throws {
    let files = try JSONDecoder().decode(
      [String: Refused].self, from: Data(try Fixtures.bytes("onnx-refused.json")))
    #expect(files.count > 40)
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

  @Test("A file with a changed byte loads or is refused")
  func changedBytes() throws {
    let bytes = try Fixtures.bytes("view-11.onnx")
    for index in stride(from: 0, to: bytes.count, by: 29) {
      var changed = bytes
      changed[index] ^= 0xA5
      do throws(CheckpointError) {
        var options = ModelOptions()
        options.numbersClasses = true
        options.preprocessing = try Contract.read("cifar10")
        let model = try Model.load(bytes: changed, fileName: "changed.onnx", options: options)
        #expect(model.labels.count == 5 || model.format != .onnx)
      } catch {
        #expect(!error.description.isEmpty)
      }
    }
  }
}
