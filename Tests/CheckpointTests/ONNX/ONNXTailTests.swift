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

  @Test(
    "A grey image is repeated for a network of colours",
    arguments: [("Tile", [1, 3, 1, 1]), ("Expand", [1, 3, 32, 32]), ("Expand", [3, 1, 1])])
  func repeated(operation: String, numbers: [Int64]) throws {
    var file = ModelFile.classifier
    file.metadata = []
    file.inputs = [("x", 1, [1, 1, 32, 32])]
    file.outputs = [("y", 1, [1, 10])]
    file.tensors.append(ModelFile.integers64("copies", numbers))
    file.nodes[0].inputs[0] = "colours"
    file.nodes.insert(
      Node(operation: operation, name: "repeat", inputs: ["x", "copies"], outputs: ["colours"]),
      at: 0)
    var options = ModelOptions(
      labels: (0..<10).map(String.init),
      preprocessing: try Preprocessing(
        resize: .exact(height: 32, width: 32, filter: .bilinear), crop: .none,
        channelOrder: .grey, mean: [0.5], std: [0.5]))
    options.activation = .softmax
    let model = try Self.load(file, options)
    #expect(model.graph.inputShape.channels == 1)
    let copies = try #require(
      model.graph.nodes.indices.first { id in
        if case .convolution(let convolution) = model.graph.nodes[id].operation {
          return convolution.kernel == Extent(1) && convolution.outputChannels == 3
        }
        return false
      })
    #expect(
      model.weights["\(model.graph.nodes[copies].name).weight"]?.values == [1, 1, 1])
    let first = model.graph.nodes.first { $0.name == "conv" }
    #expect(first?.inputs == [copies])
  }

  @Test(
    "A map that is flattened in TensorFlow's order is multiplied by its weights in PyTorch's",
    arguments: ["Gemm", "MatMul"])
  func flattened(operation: String) throws {
    var file = ModelFile.classifier
    file.metadata = []
    file.outputs = [("y", 1, [nil, 2])]
    let count = 4 * 32 * 32
    let weights = (0..<2 * count).map(Float.init)
    file.tensors.append(ModelFile.floats("dense", [Int64(count), 2], weights))
    file.nodes = Array(file.nodes.prefix { $0.name != "pool" })
    file.nodes += [
      Node(
        operation: "Transpose", name: "last", inputs: ["r"], outputs: ["l"],
        attributes: [ModelFile.integers("perm", [0, 2, 3, 1])]),
      Node(operation: "Flatten", name: "flatten", inputs: ["l"], outputs: ["f"]),
      Node(operation: operation, name: "dense", inputs: ["f", "dense"], outputs: ["y"]),
    ]
    var options = ModelOptions(
      labels: ["a", "b"],
      preprocessing: try Preprocessing(
        resize: .exact(height: 32, width: 32, filter: .bilinear), crop: .none, mean: [0, 0, 0],
        std: [1, 1, 1]))
    options.activation = .softmax
    let model = try Self.load(file, options)
    let dense = try #require(model.weights["dense.weight"])
    #expect(dense.shape == [2, count])
    // Channel 3, row 5, column 7 of both orders, for the second class.
    #expect(
      dense.values[count + (3 * 32 + 5) * 32 + 7] == weights[2 * ((5 * 32 + 7) * 4 + 3) + 1])
  }

  /// A classifier without a document that ends in a node after its logits.
  private static func plain(
    _ operation: String, _ inputs: [String] = [],
    _ attributes: [(inout WireMessage) -> Void] = []
  ) -> ModelFile {
    var file = ending(operation)
    file.metadata = []
    file.tensors += [
      ModelFile.floats("zero", [], [0]), ModelFile.floats("one", [], [1]),
      ModelFile.floats("five", [], [5]),
    ]
    file.nodes[file.nodes.count - 1].inputs += inputs
    file.nodes[file.nodes.count - 1].attributes = attributes
    return file
  }

  private static func options(_ activation: OutputRule.Activation? = nil) throws -> ModelOptions {
    var options = ModelOptions(
      labels: (0..<10).map(String.init), preprocessing: try contract(mean: "0", std: "1"))
    options.activation = activation
    return options
  }

  @Test(
    "What may be no logits needs an activation, and of what is from 0 to 1 there is only none",
    arguments: [
      ("HardSigmoid", [], "hard sigmoid", true),
      ("Clip", ["zero", "one"], "clip to 0.0...1.0", true),
      ("Clip", ["zero", "five"], "clip to 0.0...5.0", false), ("Tanh", [], "tanh", false),
      ("Softplus", [], "softplus", false), ("Relu", [], "ReLU", false),
      ("Exp", [], "exponential", false),
      ("Div", ["y"], "quotient", false), ("Mul", ["y"], "product", false),
    ])
  func otherEnds(
    operation: String, inputs: [String], words: String, isOfProbabilities: Bool
  ) throws {
    let file = Self.plain(operation, inputs)
    let refusal = Self.refusal(file, try Self.options())
    #expect(
      refusal.contains("the graph ends in \(words) of node \"end\"")
        && refusal.contains("--activation"), "\(refusal)")
    let scores = try Self.load(file, try Self.options(OutputRule.Activation.none))
    #expect(scores.output.activation == .none && scores.graph.nodes.last?.name == "end")
    for activation in [OutputRule.Activation.softmax, .sigmoid] {
      let refusal = Self.refusal(file, try Self.options(activation))
      #expect(refusal.isEmpty == !isOfProbabilities, "\(refusal)")
    }
    // A look at the file needs no more than it has.
    var options = try Self.options()
    options.numbersClasses = true
    let seen = try Self.load(file, options)
    #expect(seen.output.activation == .none && seen.assumptions.contains { $0.contains(words) })
  }

  @Test("A factor, a term and a mean over a map leave logits, and a bound stays one after them")
  func affineEnds() throws {
    for operation in ["Mul", "Add", "Sub", "Div"] {
      #expect(
        try Self.load(Self.plain(operation, ["five"]), Self.options()).output.activation == .softmax
      )
    }
    var bounded = Self.plain("Tanh")
    bounded.nodes.append(
      Node(operation: "Mul", name: "scale", inputs: ["z", "five"], outputs: ["q"]))
    bounded.outputs = [("q", 1, [nil, 10])]
    #expect(Self.refusal(bounded, try Self.options()).contains("tanh of node \"end\""))
  }

  @Test("An output of one number for each image needs no dimension for it")
  func numbers() throws {
    var file = Self.plain("Squeeze", ["last"])
    file.tensors =
      file.tensors.filter { !["fc", "bias"].contains($0.name) } + [
        ModelFile.numbers("fc", [1, 4], scale: 1), ModelFile.floats("bias", [1], [0.5]),
        ModelFile.integers64("last", [-1]),
      ]
    file.outputs = [("z", 1, [nil])]
    var options = try Self.options(.sigmoid)
    options.labels = ["no", "yes"]
    let model = try Self.load(file, options)
    #expect(try model.graph.outputShape.channels == 1 && model.output.activation == .sigmoid)
    file.nodes.append(Node(operation: "Sigmoid", name: "sigmoid", inputs: ["z"], outputs: ["q"]))
    file.outputs = [("q", 1, [nil])]
    options.activation = nil
    let said = try Self.load(file, options)
    #expect(said.graph == model.graph && said.output.activation == .sigmoid)
  }

  @Test("Rounding to half precision is left out, which a warning says")
  func rounding() throws {
    for (type, name) in [(10, "float16"), (16, "bfloat16")] as [(Int64, String)] {
      var file = Self.plain("Cast", [], [ModelFile.integer("to", type)])
      file.nodes.append(
        Node(
          operation: "Cast", name: "back", inputs: ["z"], outputs: ["q"],
          attributes: [ModelFile.integer("to", 1)]))
      file.outputs = [("q", 1, [nil, 10])]
      let warnings = try Self.load(file, Self.options()).warnings
      #expect(warnings.count == 1)
      #expect(warnings[0].contains("rounds numbers to \(name) (Cast, node \"end\")"))
    }
    let double = Self.plain("Cast", [], [ModelFile.integer("to", 11)])
    #expect(try Self.load(double, Self.options()).warnings.isEmpty)
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

  @Test("Both outputs of a TopK, the numbers and the classes, come from the same logits")
  func topClasses() throws {
    var file = Self.ending("TopK", outputs: ["values", "indices"])
    file.tensors.append(
      ModelFile.Tensor(name: "k", type: 7, shape: [1]) { $0.data(9, [3, 0, 0, 0, 0, 0, 0, 0]) })
    file.nodes[file.nodes.count - 1].inputs.append("k")
    file.outputs = [("values", 1, [nil, 3]), ("indices", 7, [nil, 3])]
    let model = try Self.load(file)
    #expect(try model.graph == Self.load(.classifier).graph)
    #expect(
      model.warnings == [
        "the TopK at the end of the graph is left out: an answer ranks the classes itself",
        "2 outputs of the same logits are read as one",
      ])
    var options = ModelOptions()
    options.outputName = "indices"
    #expect(try Self.load(file, options).graph == model.graph)
    // The smallest numbers first is another order than an answer's.
    file.nodes[file.nodes.count - 1].attributes = [ModelFile.integer("largest", 0)]
    file.outputs = [("values", 1, [nil, 3])]
    #expect(Self.refusal(file).contains("operator TopK"))
  }

  @Test("Identity and Cast after the probabilities change nothing")
  func forms() throws {
    var file = Self.ending("Softmax")
    file.nodes += [
      Node(operation: "Identity", name: "same", inputs: ["z"], outputs: ["z1"]),
      Node(
        operation: "Cast", name: "cast", inputs: ["z1"], outputs: ["z2"],
        attributes: [ModelFile.integer("to", 11)]),
    ]
    file.outputs = [("z2", 11, [nil, 10])]
    let model = try Self.load(file)
    #expect(try model.graph == Self.load(.classifier).graph && model.warnings.isEmpty)
    #expect(model.output.activation == .softmax)
  }

  @Test("A map of labels at the end gives the labels; options and the right number win over it")
  func mapOfLabels() throws {
    let path = Fixtures.path("zipmap-17.onnx")
    var options = ModelOptions()
    options.preprocessing = try Preprocessing(
      resize: .exact(height: 16, width: 16, filter: .bilinear), crop: .none, mean: [0, 0, 0],
      std: [1, 1, 1])
    let model = try Model.load(path: path, options: options)
    #expect(model.labels == ["ant", "bee", "cat", "dog", "emu"])
    #expect(model.output.activation == .softmax)
    #expect(model.warnings.contains("labels are those of the file's ZipMap, classlabels_strings"))
    #expect(
      model.warnings.contains { $0.hasPrefix("the ZipMap at the end of the graph is left out") })
    options.labels = ["a", "b", "c", "d", "e"]
    options.outputName = "output_label"
    let other = try Model.load(path: path, options: options)
    #expect(other.labels == ["a", "b", "c", "d", "e"] && other.graph == model.graph)
  }

  @Test("Numbers of classes are labels unless they only count")
  func numberedMaps() throws {
    func load(
      _ numbers: [Int64], _ options: ModelOptions = ModelOptions()
    ) throws(CheckpointError) -> Model {
      var file = Self.ending("ZipMap")
      file.metadata = []
      file.nodes[file.nodes.count - 1].domain = "ai.onnx.ml"
      file.nodes[file.nodes.count - 1].attributes = [
        ModelFile.integers("classlabels_int64s", numbers)
      ]
      var set = WireMessage()
      set.message(8) {
        $0.text(1, "ai.onnx.ml")
        $0.integer(2, 3)
      }
      return try Model.load(
        bytes: file.bytes + set.bytes, fileName: "made.onnx", options: options)
    }
    let swapped = try load([1, 0, 2, 3, 4, 5, 6, 7, 8, 9])
    #expect(swapped.labels.prefix(3) == ["1", "0", "2"])
    #expect {
      _ = try load(Array(0..<10))
    } throws: { "\($0)".contains("labels") }
    var options = ModelOptions()
    options.numbersClasses = true
    let wrong = try load([1, 0, 2], options)
    #expect(wrong.warnings.contains { $0.contains("has 3 labels, the network 10 classes") })
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
