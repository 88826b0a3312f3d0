import Checkpoint
import HostileFiles
import Imaging
import ResNet
import Testing

/// Ends and beginnings of graphs: what makes probabilities or picks classes, several outputs, and
/// images that the graph scales itself.
@Suite struct ONNXTailTests {
  private typealias Node = ModelFile.Node

  private static func load(
    _ file: ModelFile, _ options: ModelOptions = ModelOptions()
  ) throws(CheckpointError) -> Model {
    try Model.load(bytes: file.bytes, fileName: "made.onnx", options: options)
  }

  private static func refusal(_ file: ModelFile, _ options: ModelOptions = ModelOptions()) -> String
  {
    do throws(CheckpointError) {
      _ = try load(file, options)
      return ""
    } catch { return error.description }
  }

  /// The classifier with another node after its logits, whose first output is the graph's.
  private static func ending(_ operation: String, outputs: [String] = ["z"]) -> ModelFile {
    var file = ModelFile.classifier
    file.nodes.append(Node(operation: operation, name: "end", inputs: ["y"], outputs: outputs))
    file.outputs = [("z", 1, [nil, 10])]
    return file
  }

  private static func contract(mean: String, std: String) throws -> Preprocessing {
    try Contract.read(
      #"{"resize": {"rule": "exact", "height": 32, "width": 32, "filter": "bicubic"}, "#
        + #""crop": {"rule": "none"}, "mean": [\#(mean), \#(mean), \#(mean)], "#
        + #""std": [\#(std), \#(std), \#(std)]}"#
    ).preprocessing
  }

  @Test(
    "What makes probabilities of the logits is left out",
    arguments: ["Softmax", "LogSoftmax", "Sigmoid"])
  func activations(operation: String) throws {
    let plain = try Self.load(.classifier)
    let model = try Self.load(Self.ending(operation))
    #expect(model.graph == plain.graph && model.warnings.isEmpty)
    #expect(model.output.activation == (operation == "Sigmoid" ? .sigmoid : .softmax))
    #expect(!model.assumptions.contains { $0.contains("activation") })
    var options = ModelOptions()
    options.activation = OutputRule.Activation.none
    #expect(throws: CheckpointError.self) { try Self.load(Self.ending(operation), options) }
    var twice = Self.ending(operation)
    twice.nodes.append(Node(operation: "Relu", name: "last", inputs: ["z"], outputs: ["q"]))
    twice.outputs = [("q", 1, [nil, 10])]
    #expect(Self.refusal(twice).contains("after the"))
  }

  @Test("What picks classes is left out with a warning")
  func picks() throws {
    var largest = Self.ending("ArgMax")
    largest.nodes[largest.nodes.count - 1].attributes = [ModelFile.integer("axis", 1)]
    largest.outputs = [("z", 7, [nil, 1])]
    let model = try Self.load(largest)
    #expect(try model.graph == Self.load(.classifier).graph)
    #expect(model.warnings.count == 1 && model.warnings[0].contains("ArgMax"))
    largest.nodes[largest.nodes.count - 1].attributes = [ModelFile.integer("axis", 0)]
    #expect(Self.refusal(largest).contains("operator ArgMax"))
  }

  @Test("Of several outputs one is named, unless all come from the same logits")
  func outputs() throws {
    var file = ModelFile.classifier
    file.outputs.append(("p", 1, [nil, 4, 1, 1]))
    let refusal = Self.refusal(file)
    #expect(
      refusal.contains("\"y\" [?, 10], \"p\" [?, 4, 1, 1]") && refusal.contains("--output-name"))
    var options = ModelOptions()
    options.outputName = "y"
    #expect(try Self.load(file, options).graph == Self.load(.classifier).graph)
    options.outputName = "x"
    #expect(Self.refusal(file, options).contains("no output \"x\""))

    var same = Self.ending("Softmax")
    same.outputs.append(("y", 1, [nil, 10]))
    let model = try Self.load(same)
    #expect(try model.graph == Self.load(.classifier).graph)
    #expect(model.warnings == ["2 outputs of the same logits are read as one"])
  }

  @Test("An output may keep height and width of one pixel")
  func onePixel() throws {
    var file = ModelFile.classifier
    file.nodes.removeLast(2)
    file.outputs = [("p", 1, [nil, 4, 1, 1])]
    let model = try Self.load(file, ModelOptions(labels: ["a", "b", "c", "d"]))
    #expect(try model.graph.outputShape == FeatureShape(channels: 4, height: 1, width: 1))
    #expect(model.graph.nodes[model.graph.output].operation == .globalAveragePool)
  }

  @Test("A graph that takes bytes needs a contract that makes them")
  func bytes() throws {
    var file = ModelFile.classifier
    file.inputs = [("b", 2, [nil, 3, 32, 32])]
    file.nodes.insert(
      Node(
        operation: "Cast", name: "cast", inputs: ["b"], outputs: ["x"],
        attributes: [ModelFile.integer("to", 1)]), at: 0)
    let normalizing = ModelOptions(
      preprocessing: try Self.contract(mean: "0.5", std: "0.25"))
    #expect(Self.refusal(file, normalizing).contains("as bytes, 0 to 255"))
    let plain = ModelOptions(preprocessing: try Self.contract(mean: "0", std: "0.00392156863"))
    #expect(try Self.load(file, plain).graph == Self.load(.classifier).graph)
  }

  @Test("A graph that scales images itself is warned of if the contract shifts them too")
  func scaledImages() throws {
    var file = ModelFile.classifier
    file.nodes.insert(Node(operation: "Neg", name: "neg", inputs: ["x"], outputs: ["x2"]), at: 0)
    file.nodes[1].inputs[0] = "x2"
    var options = ModelOptions(preprocessing: try Self.contract(mean: "0.5", std: "0.25"))
    let warnings = try Self.load(file, options).warnings
    #expect(warnings.count == 1 && warnings[0].contains("node \"neg\""))
    options.preprocessing = try Self.contract(mean: "0", std: "0.25")
    #expect(try Self.load(file, options).warnings.isEmpty)
  }
}
