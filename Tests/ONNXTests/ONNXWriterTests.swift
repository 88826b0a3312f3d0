import Foundation
import ONNX
import Testing

/// Files written piece by piece.
@Suite struct ONNXWriterTests {
  /// Graph of one convolution of `x` by `weight`.
  private static func writer(
    readsWeight: String = "weight", attributes: [String: ONNXAttribute] = ["group": .integer(1)]
  ) throws -> ONNXWriter {
    let writer = try ONNXWriter(producer: "tests", version: "1", graphName: "graph")
    writer.addMetadata("{\"a\": \"ünïcode\"}", forKey: "key")
    writer.addInput("x", shape: [nil, 3, 4, 4])
    writer.addOutput("y", shape: [nil, 2, 4, 4])
    writer.addNode(
      ONNXNode(
        name: "node", operation: "Conv", inputs: ["x", readsWeight], outputs: ["y"],
        attributes: attributes))
    let bytes = (0..<24).map { UInt8($0) }
    writer.addInitializer("weight", .float, shape: [2, 3, 1, 1], bytes: unsafe bytes.span.bytes)
    return writer
  }

  @Test("A written file is read back")
  func roundTrip() throws {
    let url = FileManager.default.temporaryDirectory
      .appendingPathComponent("resnetd-onnx-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: url) }
    let descriptor = unsafe open(url.path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    try #require(descriptor >= 0)
    defer { close(descriptor) }
    let attributes: [String: ONNXAttribute] = [
      "group": .integer(1), "pads": .integers([0, 1, 2, 3]),
    ]
    try Self.writer(attributes: attributes).write(to: descriptor)
    let bytes = Array(try Data(contentsOf: url))
    let model = try ONNXModel(bytes: unsafe bytes.span.bytes)
    #expect(model.producer == "tests" && model.graphName == "graph")
    #expect(model.opset == 13 && model.irVersion == 7)
    #expect(model.metadata == ["key": "{\"a\": \"ünïcode\"}"])
    #expect(model.inputs == [ONNXValue(name: "x", elementType: .float, shape: [nil, 3, 4, 4])])
    #expect(model.outputs == [ONNXValue(name: "y", elementType: .float, shape: [nil, 2, 4, 4])])
    #expect(
      model.nodes == [
        ONNXNode(
          name: "node", operation: "Conv", inputs: ["x", "weight"], outputs: ["y"],
          attributes: attributes)
      ])
    #expect(
      model.initializers == [
        "weight": ONNXTensor(
          name: "weight", elementType: .float, shape: [2, 3, 1, 1],
          storage: .bytes((0..<24).map { UInt8($0) }))
      ])
  }

  @Test(
    "A model that ONNX's checker refuses is not written, and a refusal of the system is reported")
  func refusals() throws {
    let sink = unsafe open("/dev/null", O_WRONLY | O_CLOEXEC)
    let full = unsafe open("/dev/full", O_WRONLY | O_CLOEXEC)
    defer { for descriptor in [sink, full] { close(descriptor) } }
    try Self.writer().write(to: sink)
    for writer in [
      { try Self.writer(readsWeight: "none") },
      { try Self.writer(attributes: ["no_such_attribute": .number(1)]) },
    ] {
      #expect {
        try writer().write(to: sink)
      } throws: { error in
        guard case ONNXError.malformed(let reason) = error else { return false }
        return reason.contains("none") || reason.contains("no_such_attribute")
      }
    }
    #expect(throws: ONNXError.notWritten(reason: "No space left on device")) {
      try Self.writer().write(to: full)
    }
  }
}
