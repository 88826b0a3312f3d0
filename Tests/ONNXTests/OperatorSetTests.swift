import HostileFiles
import ONNX
import Testing

/// Files of operator sets after 17 are read as files of 17.
struct OperatorSetTests {
  private static var axes: ModelFile.Tensor {
    axes([2, -1])
  }

  private static func axes(_ list: [Int64]) -> ModelFile.Tensor {
    .init(name: "axes", type: 7, shape: [Int64(list.count)]) { tensor in
      for axis in list { tensor.integer(7, axis) }
    }
  }

  private func read(_ file: ModelFile) throws(ONNXError) -> ONNXModel {
    // SAFETY: the bytes of an array of bytes, for the call.
    try unsafe ONNXModel(bytes: file.bytes.span.bytes)
  }

  private func failure(_ file: ModelFile) -> String? {
    do throws(ONNXError) {
      _ = try read(file)
      return nil
    } catch {
      return error.description
    }
  }

  private func file(
    _ operation: String, _ inputs: [String] = ["x"],
    _ attributes: [(inout WireMessage) -> Void] = [], _ tensors: [ModelFile.Tensor] = [],
    opset: Int64 = 18
  ) -> ModelFile {
    var file = ModelFile.relu
    file.opset = opset
    file.nodes = [
      .init(
        operation: operation, name: "n", inputs: inputs, outputs: ["y"], attributes: attributes)
    ]
    file.tensors = tensors
    return file
  }

  @Test(arguments: [18, 20, 22, 23, 28] as [Int64])
  func laterSetsAreReadAsSet17(_ version: Int64) throws {
    let model = try read(file("Relu", opset: version))
    #expect(model.opset == 17)
    #expect(model.nodes.map(\.operation) == ["Relu"])
  }

  @Test func theAxesOfAReductionBecomeAnAttribute() throws {
    let keeps = ModelFile.integer("keepdims", 0)
    let node = try read(file("ReduceMean", ["x", "axes"], [keeps], [Self.axes])).nodes[0]
    #expect(node.inputs == ["x"])
    #expect(node.attributes == ["keepdims": .integer(0), "axes": .integers([2, -1])])
  }

  @Test func theAxesOfAConstantNodeBecomeAnAttribute() throws {
    var file = file("ReduceMean", ["x", "axes"])
    file.nodes.insert(
      .init(
        operation: "Constant", inputs: [], outputs: ["axes"],
        attributes: [ModelFile.integers("value_ints", [1])]), at: 0)
    #expect(try read(file).nodes.last?.attributes == ["axes": .integers([1])])
  }

  @Test func noAxesAreAllUnlessTheNodeSaysThatTheyAreNone() throws {
    #expect(try read(file("ReduceMean")).nodes[0].attributes == [:])
    let noop = ModelFile.integer("noop_with_empty_axes", 1)
    #expect(try read(file("ReduceMean", ["x", ""], [noop])).nodes[0].operation == "Identity")
    let node = try read(file("ReduceMean", ["x", "axes"], [noop], [Self.axes])).nodes[0]
    #expect(node.operation == "ReduceMean")
    #expect(node.attributes == ["axes": .integers([2, -1])])
  }

  @Test func whatSet17CannotExpressIsRefusedWithTheNode() {
    let place = "node \"n\" (ReduceMean)"
    let attribute = ModelFile.integers("axes", [1])
    #expect(failure(file("ReduceMean", ["x"], [attribute]))?.contains(place) == true)
    let many = Self.axes(Array(0..<17))
    #expect(
      failure(file("ReduceMean", ["x", "axes"], [], [many]))?.contains("too many axes") == true)
    let dilated = [
      ModelFile.integers("kernel_shape", [2]), ModelFile.integers("dilations", [2]),
    ]
    #expect(failure(file("AveragePool", ["x"], dilated))?.contains("dilations") == true)
    let blocks = ModelFile.integer("block_size", 2)
    #expect(
      failure(file("DequantizeLinear", ["x", "s"], [blocks]))?.contains("block_size") == true)
  }

  @Test func inputsAndAttributesThatSet17DoesNotHaveStay() throws {
    let noop = ModelFile.integer("noop_with_empty_axes", 1)
    let reduction = try read(file("ReduceMean", ["x", "x"], [noop])).nodes[0]
    #expect(reduction.inputs == ["x", "x"] && reduction.attributes.count == 1)
    let pad = try read(file("Pad", ["x", "x", "", "axes"], [], [Self.axes])).nodes[0]
    #expect(pad.inputs == ["x", "x", "", "axes"] && pad.domain.isEmpty)
    let chosen = [ModelFile.integers("axes", [2, 3]), ModelFile.integer("antialias", 0)]
    let count = ModelFile.integer("num_outputs", 1)
    #expect(
      try read(file("Split", ["x"], [count])).nodes[0].attributes == ["num_outputs": .integer(1)])
    let two = ModelFile.integer("num_outputs", 2)
    #expect(failure(file("Split", ["x"], [two]))?.contains("does not match the number") == true)
    let resize = try read(file("Resize", ["x", "", "x"], chosen)).nodes[0]
    #expect(resize.attributes == ["axes": .integers([2, 3])])
  }

  @Test func neutralAttributesOfLaterSetsAreDropped() throws {
    let plain = [ModelFile.integers("kernel_shape", [2]), ModelFile.integers("dilations", [1])]
    #expect(
      try read(file("AveragePool", ["x"], plain, opset: 19)).nodes[0].attributes
        == ["kernel_shape": .integers([2])])
    let cast = [ModelFile.integer("to", 1), ModelFile.integer("saturate", 1)]
    #expect(
      try read(file("Cast", ["x"], cast, opset: 19)).nodes[0].attributes == ["to": .integer(1)])
  }

  @Test func anOperatorOfALaterSetIsNamedWithItsNode() {
    #expect(
      failure(file("RMSNormalization", opset: 23))?.contains("operator RMSNormalization") == true)
  }

  @Test func twoSetsOfOneDomainAreRefused() {
    // A field of the model after the others: another operator set.
    var second = WireMessage()
    second.message(8) { $0.integer(2, 20) }
    let bytes = file("Relu", opset: 18).bytes + second.bytes
    #expect(throws: ONNXError.self) {
      // SAFETY: the bytes of an array of bytes, for the call.
      try unsafe ONNXModel(bytes: bytes.span.bytes)
    }
  }
}
