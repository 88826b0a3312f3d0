import Glibc
import HostileFiles
import ONNX
import Testing

struct GraphTests {
  private func read(_ file: ModelFile) throws(ONNXError) -> ONNXModel {
    let bytes = file.bytes
    // SAFETY: the bytes of an array of bytes, for the call.
    return try unsafe ONNXModel(bytes: bytes.span.bytes)
  }

  private func run(
    _ model: ONNXModel, _ inputs: [String: DenseTensor], limits: ONNXLimits = ONNXLimits()
  ) throws(ONNXError) -> [String: DenseTensor] {
    try Evaluator(limits: limits).run(model, inputs: inputs) { (tensor) throws(ONNXError) in
      throw .tensor(name: tensor.name, reason: "outside")
    }
  }

  /// y = Relu(x + w), z = x + w
  private var twoNodes: ModelFile {
    var file = ModelFile.relu
    file.nodes = [
      .init(operation: "Add", inputs: ["x", "w"], outputs: ["z"]),
      .init(operation: "Relu", inputs: ["z"], outputs: ["y"]),
    ]
    file.outputs.append(("z", 1, [nil, 2]))
    file.tensors = [
      .init(name: "w", type: 1, shape: [2]) {
        $0.float(4, -2)
        $0.float(4, 2)
      }
    ]
    return file
  }

  @Test func aGraphRunsWithItsConstantsAndGivesAllOutputs() throws {
    let results = try run(
      read(twoNodes), ["x": DenseTensor(.float, [1, 2], [1.0, 1])])
    #expect(
      results == [
        "z": DenseTensor(.float, [1, 2], [-1.0, 3]), "y": DenseTensor(.float, [1, 2], [0.0, 3]),
      ])
  }

  @Test func inputsMustBeAsDeclared() throws {
    let model = try read(twoNodes)
    let fitting = DenseTensor(.float, [1, 2], [1.0, 1])
    for (inputs, reason) in [
      ([:], "is missing; the graph takes float [?, 2]"),
      (["x": DenseTensor(.double, [1, 2], [1.0, 1])], "is of type double, the graph takes float"),
      (["x": DenseTensor(.float, [2], [1.0, 1])], "has shape [2], the graph takes [?, 2]"),
      (["x": DenseTensor(.float, [1, 1], [1.0])], "has shape [1, 1], the graph takes [?, 2]"),
      (["x": fitting, "w": fitting], "the graph has no such input"),
    ] as [([String: DenseTensor], String)] {
      let error = #expect(throws: ONNXError.self) { try run(model, inputs) }
      #expect(error?.description.contains(reason) == true)
    }
  }

  @Test func tensorsAliveAtOnceAreBounded() throws {
    var limits = ONNXLimits()
    limits.liveElementCountLimit = 5
    let model = try read(twoNodes)
    let error = #expect(throws: ONNXError.self) {
      try run(model, ["x": DenseTensor(.float, [1, 2], [1.0, 1])], limits: limits)
    }
    #expect(error?.description.contains("at most 5 allowed") == true)
  }

  @Test func operatorsOfOtherDomainsAreNamedBeforeAnythingRuns() throws {
    let node = ONNXNode(
      name: "custom", operation: "Relu", domain: "com.example", inputs: ["x"], outputs: ["y"])
    #expect(!Evaluator.knows(node))
    let error = #expect(throws: ONNXError.self) {
      try Evaluator().evaluate(node, inputs: [nil], opset: 13)
    }
    #expect(
      error?.description == "node \"custom\": operator com.example.Relu is not supported")
  }
}

/// Each test has a folder of its own, with a file `data` of the bytes 0 to 15.
final class ExternalDataTests {
  private let folder: String

  init() throws {
    folder = "/tmp/resnetd-external-\(getpid())-\(UInt64.random(in: 0...UInt64.max))"
    try #require(unsafe mkdir(folder, 0o700) == 0)
    try #require(unsafe mkdir(folder + "/inner", 0o700) == 0)
    let descriptor = unsafe open(folder + "/inner/data", O_WRONLY | O_CREAT | O_EXCL, 0o600)
    let data = [UInt8](0..<16)
    try #require(unsafe write(descriptor, data, data.count) == data.count)
    close(descriptor)
    try #require(unsafe symlink("/etc/passwd", folder + "/inner/link") == 0)
    try #require(unsafe symlink("data", folder + "/inner/alias") == 0)
  }

  deinit {
    for name in ["/inner/data", "/inner/link", "/inner/alias"] { unsafe unlink(folder + name) }
    unsafe rmdir(folder + "/inner")
    unsafe rmdir(folder)
  }

  private func bytes(
    _ location: String, offset: Int = 0, length: Int? = nil, shape: [Int] = [4]
  ) throws(ONNXError) -> [UInt8] {
    try ExternalData(besideFile: folder + "/inner/model.onnx").bytes(
      of: ONNXTensor(
        name: "w", elementType: .uint8, shape: shape,
        storage: .external(location: location, offset: offset, length: length)))
  }

  @Test func bytesComeFromTheFolderOfTheModel() throws {
    #expect(try bytes("data") == [0, 1, 2, 3])
    #expect(try bytes("data", offset: 12, length: 4) == [12, 13, 14, 15])
    #expect(try bytes("./alias", offset: 2) == [2, 3, 4, 5])
  }

  @Test(arguments: [
    "/etc/passwd", "../inner/data", "link", "inner/../../x", "", "nothing", ".", "data\0",
  ])
  func otherPlacesAreRefused(_ location: String) {
    #expect(throws: ONNXError.self) { try bytes(location) }
  }

  /// The limit is found before the file, which is not there.
  @Test func tensorsThatShareBytesCountEachTowardsTheLimit() throws {
    var file = ModelFile.relu
    file.tensors = ["a", "b", "c"].map { name in
      .init(
        name: name, type: 2, shape: [12],
        fill: ModelFile.external([("location", name == "c" ? "nothing" : "data")]))
    }
    file.moveFirstTensorIntoNode()
    // SAFETY: the array's own bytes, read during the call.
    var model = try unsafe ONNXModel(bytes: file.bytes.span.bytes)
    let external = try ExternalData(besideFile: folder + "/inner/model.onnx")
    #expect(
      throws: ONNXError.overLimit(what: "bytes of tensors outside the file", value: 36, limit: 35)
    ) { try model.include(external, byteCountLimit: 35) }
  }

  @Test func bytesOutsideTheFileAreRefused() {
    for (offset, length, shape) in [
      (13, nil, [4]), (-1, nil, [4]), (Int.max, nil, [4]), (0, 5, [4]), (0, nil, [17]),
      (0, nil, [1 << 40]),
    ] as [(Int, Int?, [Int])] {
      #expect(throws: ONNXError.self) {
        try bytes("data", offset: offset, length: length, shape: shape)
      }
    }
  }
}
