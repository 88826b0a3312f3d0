import HostileFiles
import ONNX
import Testing

struct ReadingTests {
  private func read(_ bytes: [UInt8]) throws(ONNXError) -> ONNXModel {
    // SAFETY: the bytes of an array of bytes, for the call.
    try unsafe ONNXModel(bytes: bytes.span.bytes)
  }

  private func failure(_ file: ModelFile) -> String? {
    do throws(ONNXError) {
      _ = try read(file.bytes)
      return nil
    } catch {
      return error.description
    }
  }

  @Test func aGraphIsReadWithItsDeclarationsAndMetadata() throws {
    var file = ModelFile.relu
    file.metadata = [("resnetd", "{}")]
    let model = try read(file.bytes)
    #expect(model.opset == 13)
    #expect(model.irVersion == 8)
    #expect(model.producer == "test")
    #expect(model.metadata == ["resnetd": "{}"])
    #expect(model.inputs == [ONNXValue(name: "x", elementType: .float, shape: [nil, 2])])
    #expect(model.outputs.map(\.shapeDescription) == ["[?, 2]"])
    #expect(
      model.nodes == [ONNXNode(name: "r", operation: "Relu", inputs: ["x"], outputs: ["y"])])
  }

  @Test func typedFieldsBecomeLittleEndianBytes() throws {
    var file = ModelFile.relu
    file.tensors = [
      .init(name: "f", type: 1, shape: [1]) { $0.float(4, 1) },
      .init(name: "h", type: 10, shape: [2]) {
        for bits in [0x3C00, 0xC000] as [Int64] { $0.integer(5, bits) }
      },
      .init(name: "i", type: 7, shape: [1]) { $0.integer(7, -2) },
      .init(name: "b", type: 9, shape: [2]) {
        for bit in [1, 0] as [Int64] { $0.integer(5, bit) }
      },
      .init(name: "r", type: 1, shape: [1]) { $0.data(9, [0, 0, 0x80, 0x3F]) },
      .init(name: "empty", type: 1, shape: [0, 3]) { _ in },
    ]
    let tensors = try read(file.bytes).initializers
    #expect(tensors["f"]?.storage == .bytes([0, 0, 0x80, 0x3F]))
    #expect(tensors["h"]?.storage == .bytes([0, 0x3C, 0, 0xC0]))
    #expect(tensors["h"]?.elementType == .float16)
    #expect(tensors["i"]?.storage == .bytes([0xFE] + [UInt8](repeating: 0xFF, count: 7)))
    #expect(tensors["b"]?.storage == .bytes([1, 0]))
    #expect(tensors["r"]?.storage == tensors["f"]?.storage)
    #expect(tensors["empty"]?.shape == [0, 3])
    #expect(tensors["empty"]?.storage == .bytes([]))
  }

  @Test func attributesKeepTheirKinds() throws {
    var file = ModelFile.relu
    file.nodes = [
      .init(
        operation: "MaxPool", inputs: ["x"], outputs: ["y"],
        attributes: [
          ModelFile.integers("kernel_shape", [2]),
          {
            $0.text(1, "auto_pad")
            $0.text(4, "VALID")
            $0.integer(20, 3)
          },
          {
            $0.text(1, "ceil_mode")
            $0.integer(3, 1)
            $0.integer(20, 2)
          },
        ])
    ]
    let node = try read(file.bytes).nodes[0]
    #expect(node.name == "y")
    #expect(
      node.attributes == [
        "kernel_shape": .integers([2]), "auto_pad": .string("VALID"), "ceil_mode": .integer(1),
      ])
  }

  @Test func externalDataIsALocationAndNothingIsOpened() throws {
    var file = ModelFile.relu
    file.tensors = [
      .init(name: "w", type: 1, shape: [4]) { tensor in
        for (key, value) in [("location", "../../etc/passwd"), ("offset", "16"), ("length", "16")] {
          tensor.message(13) {
            $0.text(1, key)
            $0.text(2, value)
          }
        }
        tensor.integer(14, 1)
      }
    ]
    #expect(
      try read(file.bytes).initializers["w"]?.storage
        == .external(location: "../../etc/passwd", offset: 16, length: 16))
  }

  @Test(arguments: [6, 29, -1, Int64.max])
  func operatorSetsOutsideTheRangeAreRefused(_ version: Int64) {
    var file = ModelFile.relu
    file.opset = version
    #expect(failure(file)?.contains("operator set \(version)") == true)
  }

  @Test(arguments: [7, 9, 11, 13, 17] as [Int64])
  func operatorSetsInsideTheRangeAreRead(_ version: Int64) throws {
    var file = ModelFile.relu
    file.opset = version
    #expect(try read(file.bytes).opset == version)
  }

  @Test func laterFileRevisionsAreReadAsFarAsTheyOnlyAddTypes() throws {
    var file = ModelFile.relu
    file.irVersion = 14
    #expect(try read(file.bytes).irVersion == 14)
    file.irVersion = 15
    #expect(failure(file)?.contains("revision 15") == true)
  }

  @Test func messagesAreOneBoundedLineWhateverTheNames() throws {
    var file = ModelFile.relu
    file.nodes[0].inputs = ["a\nb\u{1B}[31m" + String(repeating: "x", count: 100_000)]
    let message = try #require(failure(file))
    #expect(message.count <= 1000)
    #expect(!message.utf8.contains { $0 < 0x20 })
  }

  @Test func cyclesUnsortedNodesAndUnknownNamesAreRefused() {
    for inputs in [["y"], ["later"], ["nothing"]] {
      var file = ModelFile.relu
      file.nodes[0].inputs = inputs
      file.nodes.append(.init(operation: "Relu", inputs: ["x"], outputs: ["later"]))
      #expect(failure(file)?.contains(inputs[0]) == true)
    }
  }

  @Test func namesDefinedTwiceAreRefused() {
    var twice = ModelFile.relu
    twice.nodes.append(.init(operation: "Relu", inputs: ["x"], outputs: ["y"]))
    #expect(failure(twice)?.contains("y") == true)
    var inputs = ModelFile.relu
    inputs.inputs.append(("x", 1, [2]))
    #expect(failure(inputs)?.contains("x") == true)
    var outputs = ModelFile.relu
    outputs.outputs.append(("z", 1, [2]))
    #expect(failure(outputs)?.contains("z") == true)
  }

  @Test func anOperatorThatDoesNotExistIsNamed() {
    var file = ModelFile.relu
    file.nodes[0].operation = "Frobnicate"
    #expect(failure(file)?.contains("Frobnicate") == true)
  }

  @Test func subgraphsAndSparseTensorsAreRefused() {
    var sub = ModelFile.relu
    sub.nodes[0].attributes = [
      {
        $0.text(1, "body")
        $0.message(6) { _ in }
        $0.integer(20, 5)
      }
    ]
    #expect(failure(sub)?.hasPrefix("unsupported") == true)
    var sparse = ModelFile.relu
    sparse.extra = { $0.message(15) { _ in } }
    #expect(failure(sparse)?.hasPrefix("unsupported") == true)
  }

  @Test(arguments: [
    [-1], [1 << 40, 1 << 40], [Int64.max, 2], [3], [0], [Int64](repeating: 1, count: 17),
  ])
  func shapesThatDoNotFitTheirBytesAreRefused(_ shape: [Int64]) {
    var file = ModelFile.relu
    file.tensors = [
      .init(name: "w", type: 1, shape: shape) { $0.data(9, [UInt8](repeating: 0, count: 8)) }
    ]
    #expect(failure(file) != nil)
  }

  @Test func everyTruncationIsRefused() {
    var file = ModelFile.relu
    file.tensors = [.init(name: "f", type: 1, shape: [1]) { $0.float(4, 1) }]
    let bytes = file.bytes
    for count in 0..<bytes.count {
      #expect(throws: ONNXError.self) { try read(Array(bytes.prefix(count))) }
    }
  }

  /// A node, an annotation, the number of a field that ONNX does not have.
  @Test(arguments: [1, 14, 99])
  func manyEmptyPartsAreRefusedBeforeTheyTakeMemory(_ field: Int) {
    var file = ModelFile.relu
    file.extra = { graph in for _ in 0...(1 << 20) { graph.data(field, []) } }
    #expect(failure(file)?.contains("more nodes") == true)
  }

  @Test func unknownFieldsInsideSmallMessagesCountAsWell() {
    var file = ModelFile.relu
    file.extra = { graph in
      graph.message(14) { annotation in
        annotation.message(2) { entry in for _ in 0...(1 << 20) { entry.data(99, []) } }
      }
    }
    #expect(failure(file)?.contains("more nodes") == true)
  }

  /// `count` sequences of each other, and the type inside.
  private func sequences(_ count: Int, of inner: WireMessage) -> ModelFile {
    var file = ModelFile.relu
    var type = inner
    for _ in 0..<count {
      var outer = WireMessage()
      outer.message(4) { $0.data(1, type.bytes) }
      type = outer
    }
    file.extra = { graph in
      graph.message(13) {
        $0.text(1, "z")
        $0.data(2, type.bytes)
      }
    }
    return file
  }

  @Test func deepTypesAreRefused() {
    #expect(failure(sequences(1000, of: WireMessage()))?.contains("not dense tensors") == true)
    #expect(failure(sequences(2, of: WireMessage()))?.contains("not dense tensors") == true)
  }

  @Test("A sequence of maps from labels to numbers is a type that classifiers have")
  func maps() {
    var map = WireMessage()
    map.message(5) {
      $0.integer(1, 8)
      $0.message(2) { $0.message(1) { $0.integer(1, 1) } }
    }
    #expect(failure(sequences(1, of: map)) == nil)
    var nested = WireMessage()
    nested.message(5) {
      $0.integer(1, 8)
      $0.message(2) { $0.data(5, map.bytes) }
    }
    #expect(failure(sequences(1, of: nested))?.contains("not dense tensors") == true)
  }
}
