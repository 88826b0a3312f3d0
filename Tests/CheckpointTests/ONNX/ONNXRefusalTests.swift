import Checkpoint
import Engine
import Foundation
import HostileFiles
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

  /// The small classifier in set 18 with a node after its activation.
  private func failure(_ node: ModelFile.Node, _ lists: [(String, [Int64])]) -> String {
    var file = ModelFile.classifier
    file.opset = 18
    file.tensors += lists.map { ModelFile.integers64($0.0, $0.1) }
    file.nodes.insert(node, at: 3)
    file.nodes[4].inputs = [node.outputs[0]]
    do throws(CheckpointError) {
      _ = try Model.load(bytes: file.bytes, fileName: "x.onnx")
      return "it passed"
    } catch {
      return error.description
    }
  }

  @Test("What set 18 adds is refused where it cannot be right, with the node")
  func additions() {
    func node(
      _ operation: String, _ inputs: [String], _ attributes: [(inout WireMessage) -> Void] = [],
      outputs: [String] = ["e"]
    ) -> ModelFile.Node {
      .init(
        operation: operation, name: "extra", inputs: ["r"] + inputs, outputs: outputs,
        attributes: attributes)
    }
    let parts = [ModelFile.integer("axis", 1), ModelFile.integer("num_outputs", 3)]
    let axes = [ModelFile.integers("axes", [2, 2])]
    let cases: [(ModelFile.Node, [(String, [Int64])], String)] = [
      (node("ReduceMean", ["bias"]), [], "axes (input 1) are not a short list of whole numbers"),
      (node("ReduceMean", ["n"]), [], "known without the image"),
      (node("Split", [], parts, outputs: ["e", "g", "h"]), [], "parts [2, 2, 0]"),
      (node("Resize", ["", "", "s"], axes), [("s", [64, 64])], "axes [2, 2]"),
      (
        node("Resize", ["", "", "s"], [ModelFile.integers("axes", [3])]), [("s", [64, 64])],
        "sizes [64, 64]"
      ),
      (node("Pad", ["s", "", "a"]), [("s", [1, 1]), ("a", [4])], "pads [1, 1] of the axes [4]"),
      (node("Pad", ["s", "", "a"]), [("s", [1]), ("a", [2])], "pads [1] of the axes [2]"),
    ]
    for (node, lists, reason) in cases {
      let found = failure(node, lists)
      #expect(found.contains("\"extra\"") && found.contains(reason), "\(found)")
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
