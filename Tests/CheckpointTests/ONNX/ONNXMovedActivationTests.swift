import Checkpoint
import HostileFiles
import Imaging
import ResNet
import Testing

/// Graphs that pick, order and join numbers after a softmax or sigmoid.
@Suite struct ONNXMovedActivationTests {
  private typealias Node = ModelFile.Node

  /// What moves ten numbers `z` to the outputs `q`, and how many these are.
  enum Motion: String, CaseIterable {
    case reversed, shuffled, part, split, joined, doubled, matrix

    /// Whether each number comes out once.
    var isPermutation: Bool {
      switch self {
      case .reversed, .shuffled, .split: true
      case .part, .joined, .doubled, .matrix: false
      }
    }

    var count: Int64 {
      switch self {
      case .part: 9
      case .matrix: 5
      case .joined: 12
      case .doubled: 20
      default: 10
      }
    }

    var nodes: [ModelFile.Node] {
      func gather(_ list: String, _ result: String) -> ModelFile.Node {
        Node(
          operation: "Gather", name: result, inputs: ["z", list], outputs: [result],
          attributes: [ModelFile.integer("axis", 1)])
      }
      func concat(_ inputs: [String]) -> ModelFile.Node {
        Node(
          operation: "Concat", name: "joined", inputs: inputs, outputs: ["q"],
          attributes: [ModelFile.integer("axis", 1)])
      }
      switch self {
      case .reversed:
        return [
          Node(
            operation: "Slice", name: "slice", inputs: ["z", "minus", "lowest", "minus", "minus"],
            outputs: ["q"])
        ]
      case .shuffled: return [gather("order", "q")]
      case .part:
        return [
          Node(
            operation: "Slice", name: "slice", inputs: ["z", "first", "highest", "first"],
            outputs: ["q"])
        ]
      case .split:
        return [
          Node(
            operation: "Split", name: "split", inputs: ["z", "sizes"], outputs: ["a", "b"],
            attributes: [ModelFile.integer("axis", 1)]),
          concat(["b", "a"]),
        ]
      case .joined: return [gather("pair", "pick"), concat(["z", "pick"])]
      case .doubled: return [concat(["z", "z"])]
      case .matrix:
        return [Node(operation: "MatMul", name: "sums", inputs: ["z", "sums"], outputs: ["q"])]
      }
    }
  }

  private static func file(_ nodes: [Node], count: Int64) -> ModelFile {
    var file = ModelFile.classifier
    file.metadata = []
    file.tensors += [
      ModelFile.integers64("minus", [-1]), ModelFile.integers64("first", [1]),
      ModelFile.integers64("lowest", [-100]), ModelFile.integers64("highest", [100]),
      ModelFile.integers64("order", [3, 1, 4, 0, 5, 9, 2, 6, 8, 7]),
      ModelFile.integers64("pair", [7, 2]), ModelFile.integers64("sizes", [4, 6]),
      ModelFile.floats("one", [], [1]),
      // The sum of every two classes.
      ModelFile.floats("sums", [10, 5], (0..<50).map { $0 / 5 / 2 == $0 % 5 ? 1 : 0 }),
    ]
    file.nodes += nodes
    file.outputs = [("q", 1, [nil, count])]
    return file
  }

  private static func file(_ function: String, _ motion: Motion) -> ModelFile {
    file(
      [Node(operation: function, name: "end", inputs: ["y"], outputs: ["z"])] + motion.nodes,
      count: motion.count)
  }

  private static func load(
    _ file: ModelFile, _ activation: OutputRule.Activation? = nil
  ) throws -> Model {
    let count = Int(file.outputs[0].shape[1] ?? 1)
    var options = ModelOptions(
      labels: (0..<count).map(String.init),
      preprocessing: try Preprocessing(
        resize: .exact(height: 32, width: 32, filter: .bilinear), crop: .none, mean: [0, 0, 0],
        std: [1, 1, 1]))
    options.activation = activation
    return try Model.load(bytes: file.bytes, fileName: "made.onnx", options: options)
  }

  private static func refusal(_ file: ModelFile) -> String {
    do {
      _ = try load(file)
      return ""
    } catch { return "\(error)" }
  }

  private static func expectSame(_ model: Model, _ other: Model) {
    #expect(model.graph == other.graph)
    for name in other.weights.names {
      #expect(model.weights[name]?.values == other.weights[name]?.values, "\(name)")
    }
  }

  @Test("A sigmoid of which numbers are moved is one of moved logits", arguments: Motion.allCases)
  func sigmoids(motion: Motion) throws {
    let file = Self.file("Sigmoid", motion)
    guard motion != .matrix else {
      #expect(Self.refusal(file).contains("an operation after the sigmoid of node \"end\""))
      return
    }
    let model = try Self.load(file)
    Self.expectSame(model, try Self.load(Self.file("Identity", motion), .sigmoid))
    #expect(model.output.activation == .sigmoid && model.assumptions.isEmpty)
  }

  @Test(
    "A softmax of which all numbers come out is one of moved logits, and any other is no activation",
    arguments: Motion.allCases)
  func softmaxes(motion: Motion) throws {
    let file = Self.file("Softmax", motion)
    guard motion.isPermutation else {
      let refusal = Self.refusal(file)
      #expect(refusal.contains("an operation after the softmax of node \"end\""), "\(refusal)")
      #expect(refusal.contains("--activation none"))
      let scores = try Self.load(file, OutputRule.Activation.none)
      #expect(scores.output.activation == .none)
      #expect(scores.graph.nodes.contains { $0.operation == .softmax(size: 10) })
      return
    }
    let model = try Self.load(file)
    Self.expectSame(model, try Self.load(Self.file("Identity", motion), .softmax))
    #expect(model.output.activation == .softmax && model.assumptions.isEmpty)
  }

  @Test("What a sigmoid leaves to 1 is the sigmoid of the negative logit")
  func complements() throws {
    let nodes = [
      Node(operation: "Sigmoid", name: "end", inputs: ["y"], outputs: ["z"]),
      Node(operation: "Sub", name: "rest", inputs: ["one", "z"], outputs: ["left"]),
      Node(
        operation: "Concat", name: "joined", inputs: ["left", "z"], outputs: ["q"],
        attributes: [ModelFile.integer("axis", 1)]),
    ]
    let model = try Self.load(Self.file(nodes, count: 20))
    #expect(model.output.activation == .sigmoid)
    #expect(!model.graph.nodes.contains { $0.operation == .elementwise(.sigmoid) })
    #expect(model.weights["rest.weight"]?.values == [Float](repeating: -1, count: 10))
    #expect(model.weights["rest.bias"]?.values == [Float](repeating: 0, count: 10))
    // Of a softmax there is no such thing.
    var softmax = nodes
    softmax[0] = Node(operation: "Softmax", name: "end", inputs: ["y"], outputs: ["z"])
    #expect(Self.refusal(Self.file(softmax, count: 20)).contains("after the softmax"))
  }

  @Test("Sigmoids of which one reads the other's moved numbers stay where they are")
  func readTwice() {
    let nodes = [
      Node(operation: "Sigmoid", name: "first", inputs: ["y"], outputs: ["z"]),
      Motion.shuffled.nodes[0],
      Node(operation: "Sigmoid", name: "second", inputs: ["q"], outputs: ["s"]),
      Node(
        operation: "Concat", name: "joined", inputs: ["q", "s"], outputs: ["o"],
        attributes: [ModelFile.integer("axis", 1)]),
    ]
    var file = Self.file(nodes, count: 20)
    file.outputs[0].name = "o"
    #expect(Self.refusal(file).contains("an operation after the sigmoid"))
  }

  @Test("What may be no logits stays that where only a part of it is the output")
  func partsOfOthers() throws {
    let refusal = Self.refusal(Self.file("Relu", .part))
    #expect(refusal.contains("ReLU of node \"end\"") && refusal.contains("--activation"))
    let model = try Self.load(Self.file("Identity", .part))
    #expect(model.output.activation == .softmax && !model.assumptions.isEmpty)
  }

  @Test("One output that is a part of probabilities is told as such")
  func single() throws {
    var file = Self.file(
      [
        Node(operation: "Softmax", name: "end", inputs: ["y"], outputs: ["z"]),
        Node(
          operation: "Slice", name: "slice", inputs: ["z", "nine", "highest", "first"],
          outputs: ["q"]),
      ], count: 1)
    file.tensors.append(ModelFile.integers64("nine", [9]))
    #expect(Self.refusal(file).contains("an operation after the softmax"))
    #expect(try Self.load(file, OutputRule.Activation.none).output.activation == .none)
  }

  @Test("Outputs of the same logits that disagree about what these mean must be named")
  func disagreement() throws {
    var file = ModelFile.classifier
    file.metadata = []
    file.nodes += [
      Node(operation: "Sigmoid", name: "a", inputs: ["y"], outputs: ["q"]),
      Node(operation: "Softmax", name: "b", inputs: ["y"], outputs: ["q2"]),
    ]
    file.outputs = [("q", 1, [nil, 10]), ("q2", 1, [nil, 10])]
    let refusal = Self.refusal(file)
    #expect(refusal.contains("disagree about what these mean (Sigmoid, Softmax)"), "\(refusal)")
    #expect(refusal.contains("--output-name"))
    // A logarithm of probabilities says the same as these.
    file.nodes[file.nodes.count - 2].operation = "LogSoftmax"
    #expect(try Self.load(file).output.activation == .softmax)
  }
}
