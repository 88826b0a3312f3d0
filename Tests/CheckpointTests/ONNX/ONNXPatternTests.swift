import Checkpoint
import HostileFiles
import Imaging
import ResNet
import Testing

/// Operators that exporters write in parts.
@Suite struct ONNXPatternTests {
  private typealias Node = ModelFile.Node

  private static func load(
    _ nodes: [Node], count: Int64 = 10,
    activation: OutputRule.Activation? = OutputRule.Activation.none
  ) throws -> Model {
    var file = ModelFile.classifier
    file.metadata = []
    file.tensors += [
      ModelFile.floats("beta", [], [2]), ModelFile.floats("other", [], [3]),
      ModelFile.floats("high", [], [20]), ModelFile.floats("low", [], [1]),
      ModelFile.integers64("open", [-1]), ModelFile.integers64("first", [1]),
      ModelFile.integers64("three", [3]), Self.single("third", 3), Self.single("zero", 0),
      Self.single("one", 1), Self.single("ten", 10), Self.places("all", Array(0..<10)),
      Self.places("swapped", [1, 0] + Array(2..<10)),
    ]
    file.nodes += nodes
    file.outputs = [("q", 1, [nil, count])]
    var options = ModelOptions(
      labels: (0..<count).map(String.init),
      preprocessing: try Preprocessing(
        resize: .exact(height: 32, width: 32, filter: .bilinear), crop: .none, mean: [0, 0, 0],
        std: [1, 1, 1]))
    options.activation = activation
    return try Model.load(bytes: file.bytes, fileName: "made.onnx", options: options)
  }

  /// Returns a tensor `[1, N]` of integers.
  private static func places(_ name: String, _ values: [Int64]) -> ModelFile.Tensor {
    var tensor = ModelFile.integers64(name, values)
    tensor.shape.insert(1, at: 0)
    return tensor
  }

  /// Returns one integer, a tensor without dimensions.
  private static func single(_ name: String, _ value: Int64) -> ModelFile.Tensor {
    var tensor = ModelFile.integers64(name, [value])
    tensor.shape = []
    return tensor
  }

  private static func softplus(
    of input: String, bound: String, divisor: String = "beta"
  ) -> [Node] {
    let isScaled = input != "y"
    let parts = [
      Node(operation: "Mul", name: "scale", inputs: ["y", "beta"], outputs: ["s"]),
      Node(operation: "Softplus", name: "plus", inputs: [input], outputs: ["plus"]),
      Node(operation: "Div", name: "quotient", inputs: ["plus", divisor], outputs: ["d"]),
      Node(operation: "Greater", name: "test", inputs: [input, bound], outputs: ["g"]),
      Node(
        operation: "Where", name: "choice", inputs: ["g", "y", isScaled ? "d" : "plus"],
        outputs: ["q"]),
    ]
    return isScaled ? parts : [parts[1], parts[3], parts[4]]
  }

  @Test(
    "A softplus that gives its argument above a bound is one everywhere", arguments: ["y", "s"])
  func softplus(input: String) throws {
    let parts = Self.softplus(of: input, bound: "high")
    let model = try Self.load(parts)
    var plain = Array(parts.dropLast(2))
    plain[plain.count - 1].outputs = ["q"]
    #expect(try model.graph == Self.load(plain).graph)
  }

  @Test("Another bound or divisor makes another function, which is refused with what may help")
  func others() {
    for parts in [
      Self.softplus(of: "y", bound: "low"), Self.softplus(of: "s", bound: "low"),
      Self.softplus(of: "s", bound: "high", divisor: "other"),
    ] {
      let error = #expect(throws: CheckpointError.self) { try Self.load(parts) }
      #expect(error?.description.contains("operator Greater of node \"test\"") == true)
      #expect(error?.description.contains("dynamo=False") == true)
    }
  }

  @Test("A view of all numbers in their order is a reshape, and of others there is none")
  func views() throws {
    func nodes(_ places: String) -> [Node] {
      [
        Node(operation: "Reshape", name: "flat", inputs: ["y", "open"], outputs: ["v"]),
        Node(
          operation: "Gather", name: "view", inputs: ["v", places], outputs: ["q"],
          attributes: [ModelFile.integer("axis", 0)]),
      ]
    }
    let plain = [Node(operation: "Identity", name: "same", inputs: ["y"], outputs: ["q"])]
    #expect(try Self.load(nodes("all")).graph == Self.load(plain).graph)
    #expect(throws: CheckpointError.self) { try Self.load(nodes("swapped")) }
    // As for a batch of any size: places from those of the images and of the numbers of one.
    let computed = [
      Node(operation: "Shape", name: "shape", inputs: ["x"], outputs: ["shape"]),
      Node(operation: "Gather", name: "size", inputs: ["shape", "zero"], outputs: ["size"]),
      Node(
        operation: "Range", name: "images", inputs: ["zero", "size", "one"], outputs: ["images"]),
      Node(operation: "Mul", name: "starts", inputs: ["images", "ten"], outputs: ["starts"]),
      Node(operation: "Unsqueeze", name: "rows", inputs: ["starts", "first"], outputs: ["rows"]),
      Node(operation: "Add", name: "places", inputs: ["rows", "all"], outputs: ["places"]),
    ]
    #expect(try Self.load(computed + nodes("places")).graph == Self.load(plain).graph)
  }

  @Test("Logarithms of a softmax are those that LogSoftmax gives")
  func logarithms() throws {
    let parts = [
      Node(operation: "Softmax", name: "softmax", inputs: ["y"], outputs: ["share"]),
      Node(operation: "Log", name: "log", inputs: ["share"], outputs: ["q"]),
    ]
    let whole = [Node(operation: "LogSoftmax", name: "log", inputs: ["y"], outputs: ["q"])]
    let model = try Self.load(parts, activation: nil)
    #expect(try model.graph == Self.load(whole, activation: nil).graph)
    #expect(model.output.activation == .softmax)
  }

  @Test("A single index picks a channel and takes the dimension away")
  func singleIndex() throws {
    func nodes(of index: String) -> [Node] {
      let pick = Node(
        operation: "Gather", name: "pick", inputs: ["y", index], outputs: ["s"],
        attributes: [ModelFile.integer("axis", 1)])
      let widen = Node(
        operation: "Unsqueeze", name: "widen", inputs: ["s", "first"], outputs: ["q"])
      return [pick, widen]
    }
    var list = [nodes(of: "three")[0]]
    list[0].outputs = ["q"]
    #expect(try Self.load(nodes(of: "third"), count: 1).graph == Self.load(list, count: 1).graph)
    #expect(throws: CheckpointError.self) { try Self.load(nodes(of: "ten"), count: 1) }
  }

  @Test("A negative padding takes pixels away, and the rest of it is left to the next operation")
  func crops() throws {
    var file = ModelFile.classifier
    file.nodes.insert(
      Node(operation: "Pad", name: "pad", inputs: ["x", "pads"], outputs: ["x2"]), at: 0)
    file.nodes[1].inputs[0] = "x2"
    func load(_ pads: [Int64]) throws -> Model {
      var file = file
      file.tensors.append(ModelFile.integers64("pads", pads))
      return try Model.load(bytes: file.bytes, fileName: "made.onnx")
    }
    let model = try load([0, 0, -1, -2, 0, 0, 1, -3])
    let crop = try #require(model.graph.nodes.first { $0.name == "pad.crop" })
    guard case .convolution(let convolution) = crop.operation else {
      Issue.record("\(crop)")
      return
    }
    #expect(convolution.groups == 3 && convolution.kernel == Extent(height: 2, width: 6))
    let row: [Float] = [0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0]
    #expect(model.weights["pad.crop.weight"]?.values == row + row + row)
    let shapes = try model.graph.shapes()
    // 32 - 1 + 1 rows, 32 - 2 - 3 columns.
    #expect(shapes.contains { ($0.channels, $0.height, $0.width) == (4, 32, 27) }, "\(shapes)")
    for pads in [
      [0, -1, 0, 0, 0, 0, 0, 0], [0, 0, -40, 0, 0, 0, 0, 0], [0, 0, -16, 0, 0, 0, -16, 0],
    ] {
      #expect(throws: CheckpointError.self) { try load(pads.map { Int64($0) }) }
    }
  }
}
