/// ONNX files that lie, contradict themselves, or ask for more than a file may: a small classifier
/// with one thing wrong in each.
package enum HostileONNX {
  package static let all = [
    tensors, externals, graphs, operatorSets, ends, texts,
  ].flatMap(\.self)

  static func made(
    _ name: String, _ expected: String, _ change: (inout ModelFile) -> Void
  ) -> Hostile {
    var file = ModelFile.classifier
    change(&file)
    return Hostile("ONNX: \(name)", expected, bytes: file.bytes)
  }

  // MARK: Tensors

  /// Declares the first convolution's weights differently.
  private static func weights(
    _ name: String, _ expected: String, type: Int64 = 1, _ shape: [Int64] = [4, 3, 3, 3],
    _ fill: @escaping (inout WireMessage) -> Void = { $0.data(9, zeros(108 * 4)) }
  ) -> Hostile {
    made(name, expected) {
      $0.tensors[0] = .init(name: "w", type: type, shape: shape, fill: fill)
    }
  }

  static func zeros(_ count: Int) -> [UInt8] { [UInt8](repeating: 0, count: count) }

  private static let tensors: [Hostile] = [
    weights("a negative dimension", "negative", [-4, 3, 3, 3]),
    weights("dimensions whose product overflows", "beyond", [1 << 40, 1 << 40, 3, 3]),
    weights("dimensions of 2^63 numbers", "", [.max, 1, 1, 1]),
    weights("an empty convolution", "", [0, 3, 3, 3]) { $0.data(9, []) },
    weights("seventeen dimensions", "dimensions", [Int64](repeating: 1, count: 17)),
    weights("a gigabyte out of four numbers", "", [1 << 28, 1, 1, 1]) { $0.data(9, zeros(16)) },
    weights("too few bytes", "") { $0.data(9, zeros(107 * 4)) },
    weights("half a number", "") { $0.data(9, zeros(108 * 4 - 2)) },
    weights("too many bytes", "") { $0.data(9, zeros(109 * 4)) },
    weights("no bytes", "") { _ in },
    weights("numbers in the field of another type", "") { tensor in
      for _ in 0..<108 { tensor.integer(5, 1) }
    },
    weights("numbers in two fields", "") { tensor in
      tensor.data(9, zeros(108 * 4))
      for _ in 0..<108 { tensor.float(4, 1) }
    },
    weights("too few numbers in the typed field", "") { tensor in
      for _ in 0..<107 { tensor.float(4, 1) }
    },
    weights("no element type", "", type: 0),
    weights("an element type that nobody knows", "", type: 99),
    weights("an element type of 2^40", "", type: 1 << 40),
    weights("texts for weights", "", type: 8, [1]) { $0.text(6, "x") },
    weights("complex weights", "", type: 14),
    weights("bytes for weights", "", type: 3) { $0.data(9, zeros(108)) },
    weights("weights in segments", "") { tensor in
      tensor.data(9, zeros(108 * 4))
      tensor.message(3) {
        $0.integer(1, 0)
        $0.integer(2, .max)
      }
    },
    made("two tensors of one name", "w") { $0.tensors.append($0.tensors[0]) },
    made("a tensor without a name", "") { $0.tensors[6].name = "" },
    made("a sparse tensor", "sparse") { file in
      file.extra = { graph in graph.message(15) { $0.integer(3, 1 << 40) } }
    },
    made("a tensor that the output does not need, of negative size", "negative") {
      $0.tensors.append(.init(name: "unused", type: 1, shape: [-1]) { _ in })
    },
  ]

  // MARK: Graphs

  private static func nested(_ depth: Int) -> [UInt8] {
    var graph = WireMessage()
    for _ in 0..<depth {
      var outer = WireMessage()
      outer.message(1) { node in
        node.text(4, "Loop")
        node.message(5) { attribute in
          attribute.text(1, "body")
          attribute.data(6, graph.bytes)
          attribute.integer(20, 5)
        }
      }
      graph = outer
    }
    return graph.bytes
  }

  private static func node(
    _ operation: String, _ inputs: [String], _ outputs: [String],
    _ attributes: (inout WireMessage) -> Void...
  ) -> ModelFile.Node {
    ModelFile.Node(
      operation: operation, name: operation, inputs: inputs, outputs: outputs,
      attributes: attributes)
  }

  /// Returns a chain of so many layers.
  private static func chain(_ count: Int, of operation: String) -> Hostile {
    made("\(count) of \(operation)", "nodes of the graph") { file in
      let layers = (0..<count).map { index in
        node(operation, [index == 0 ? "r" : "r\(index)"], ["r\(index + 1)"])
      }
      file.nodes.insert(contentsOf: layers, at: 3)
      file.nodes[3 + count].inputs = ["r\(count)"]
    }
  }

  private static let graphs: [Hostile] = [
    made("a branch", "subgraph") { file in
      file.nodes[2] = node("If", ["n"], ["r"]) { attribute in
        attribute.text(1, "then_branch")
        attribute.message(6) { _ in }
        attribute.integer(20, 5)
      }
    },
    made("a loop in a loop in a loop", "subgraph") { file in
      file.nodes[2] = node("Loop", ["n"], ["r"]) { attribute in
        attribute.text(1, "body")
        attribute.data(6, nested(1000))
        attribute.integer(20, 5)
      }
    },
    made("a list of graphs", "subgraph") { file in
      file.nodes[2].attributes = [
        { attribute in
          attribute.text(1, "x")
          attribute.message(11) { _ in }
          attribute.integer(20, 10)
        }
      ]
    },
    made("a cycle", "") {
      $0.nodes[2].inputs = ["z"]
      $0.nodes.append(node("Relu", ["r"], ["z"]))
    },
    made("a node that reads itself", "") { $0.nodes[2].inputs = ["r"] },
    made("nodes in the wrong order", "") { $0.nodes.swapAt(1, 2) },
    made("an input that nobody makes", "") { $0.nodes[2].inputs = ["nothing"] },
    made("an input left out", "") { $0.nodes[0].inputs = ["", "w"] },
    made("a convolution without weights", "") { $0.nodes[0].inputs = ["x"] },
    made("a normalisation without a variance", "") { $0.nodes[1].inputs.removeLast() },
    made("a node with two inputs too many", "") { $0.nodes[2].inputs = ["n", "n", "n"] },
    made("a node of nothing", "") { $0.nodes[2].outputs = [] },
    made("two values of one name", "") { $0.nodes[2].outputs = ["n"] },
    made("a value with a constant's name", "") { $0.nodes[2].outputs = ["w"] },
    made("a value with the input's name", "") { $0.nodes[2].outputs = ["x"] },
    made("an operator that nobody knows", "Frobnicate") { $0.nodes[2].operation = "Frobnicate" },
    made("an operator without a name", "") { $0.nodes[2].operation = "" },
    made("an operator of another domain", "") { $0.nodes[2].domain = "com.example" },
    made("random numbers", "") { $0.nodes[2] = node("RandomUniformLike", ["n"], ["r"]) },
    made("a text for a number", "") {
      $0.nodes[2] = node("StringNormalizer", ["n"], ["r"])
    },
    made("no nodes", "") { $0.nodes = [] },
    chain(17_000, of: "Relu"), chain(100_000, of: "Relu"),
    made("a million empty nodes", "more nodes") { file in
      file.extra = { graph in for _ in 0...(1 << 20) { graph.data(1, []) } }
    },
    made("a million annotations", "more nodes") { file in
      file.extra = { graph in for _ in 0...(1 << 20) { graph.data(14, []) } }
    },
    made("a node with a million inputs", "") { file in
      file.nodes[2].inputs = [String](repeating: "n", count: 1_000_000)
    },
    made("a sum of a hundred thousand names", "") { file in
      file.nodes[2].operation = "Sum"
      file.nodes[2].inputs = [String](repeating: "n", count: 100_000)
    },
  ]

  private static func model(
    _ name: String, _ expected: String, _ change: (inout WireMessage) -> Void
  ) -> Hostile {
    // Fields after the others: if one is not a list, the last one counts, or both are merged.
    var message = WireMessage()
    change(&message)
    return Hostile(
      "ONNX: \(name)", expected, bytes: ModelFile.classifier.bytes + message.bytes)
  }

  private static let operatorSets: [Hostile] =
    [0, -1, 6, 29, 1 << 40, .max, .min].map { version in
      made("operator set \(version)", "") { $0.opset = version }
    }
    + [0, -1, 15, 1 << 40, .max].map { version in
      made("file format \(version)", "") { $0.irVersion = version }
    }
    + [
      made("axes that are no constant", "axes") {
        $0.opset = 18
        $0.nodes[3] = node("ReduceMean", ["r", "r"], ["p"])
      },
      made("a long list of axes, named again and again", "too many axes") { file in
        file.opset = 18
        file.tensors.append(ModelFile.integers64("axes", [Int64](repeating: 0, count: 1 << 18)))
        for index in 0..<20_000 {
          file.nodes.append(node("ReduceMean", ["r", "axes"], ["m\(index)"]))
        }
      },
      made("axes that are not whole", "axes") {
        $0.opset = 18
        $0.nodes[3] = node("ReduceMean", ["r", "w"], ["p"])
      },
      model("two operator sets", "") { $0.message(8) { $0.integer(2, 11) } },
      model("functions", "functions") { $0.message(25) { $0.text(1, "Relu") } },
      model("training steps", "training") { $0.message(20) { _ in } },
      model("a second graph", "") { $0.message(7) { $0.message(1) { $0.text(4, "Relu") } } },
      model("a document twice", "duplicate keys") { model in
        model.message(14) {
          $0.text(1, "resnetd")
          $0.text(2, "{}")
        }
      },
    ]

  // MARK: Ends

  private static func input(_ name: String, type: Int64 = 1, _ shape: [Int64?]) -> Hostile {
    made("an input of \(name)", "") { $0.inputs = [("x", type, shape)] }
  }

  private static let ends: [Hostile] = [
    input("four channels", [nil, 4, 32, 32]), input("five dimensions", [nil, 3, 32, 32, 1]),
    input("no dimensions", []), input("two dimensions", [nil, 3072]),
    input("huge images", [nil, 3, 1 << 40, 1 << 40]),
    input("images of 2^63 rows", [nil, 3, .max, 32]),
    input("images of 4096 rows and a contract of 32", [nil, 3, 4096, 4096]),
    made("pools of huge windows", "multiply-adds") { file in
      file.inputs = [("x", 1, [nil, 3, 4096, 4096])]
      for (name, input) in [("m1", "r"), ("m2", "m1")] {
        var pool = node("MaxPool", [input], [name])
        pool.attributes = [
          ModelFile.integers("kernel_shape", [101, 101]),
          ModelFile.integers("pads", [50, 50, 50, 50]),
        ]
        file.nodes.insert(pool, at: file.nodes.count - 3)
      }
      file.nodes[file.nodes.count - 3].inputs = ["m2"]
    },
    input("images of no rows", [nil, 3, 0, 32]),
    input("batches of 2^40", [1 << 40, 3, 32, 32]),
    input("whole numbers", type: 7, [nil, 3, 32, 32]),
    input("texts", type: 8, [nil, 3, 32, 32]), input("no type", type: 0, [nil, 3, 32, 32]),
    input("seventeen dimensions", [Int64?](repeating: 1, count: 17)),
    made("no input", "") { $0.inputs = [] }, made("no output", "") { $0.outputs = [] },
    made("two inputs", "") { $0.inputs.append(("z", 1, [nil, 3, 32, 32])) },
    made("two outputs", "") { $0.outputs.append(("f", 1, [nil, 4])) },
    made("the input twice", "") { $0.inputs.append($0.inputs[0]) },
    made("an output that nobody makes", "") { $0.outputs[0].name = "nothing" },
    made("the input as output", "") { $0.outputs[0].name = "x" },
    made("a constant as output", "") { $0.outputs[0].name = "bias" },
    made("a map as output", "") { $0.outputs[0].name = "r" },
    made("a type in a type in a type", "") { file in
      var type = WireMessage()
      for _ in 0..<10_000 {
        var outer = WireMessage()
        outer.data(4, type.bytes)
        type = outer
      }
      let bytes = type.bytes
      file.extra = { graph in graph.message(13) { $0.data(2, bytes) } }
    },
  ]

  // MARK: Strings

  private static func document(_ name: String, _ text: String, _ expected: String = "") -> Hostile {
    made("a document \(name)", expected) { $0.metadata = [("resnetd", text)] }
  }

  private static let texts: [Hostile] = [
    document("that is empty", ""), document("that is no JSON", "{"),
    document("of deep lists", String(repeating: "[", count: 100_000)),
    document("of another format", #"{"format_version": 2}"#, "format version 2"),
    document(
      "with nine labels", SoundFiles.document(labels: Array(SoundFiles.labels.dropLast())),
      "9 labels"),
    document(
      "for other images",
      SoundFiles.document(
        preprocessing: SoundFiles.preprocessing.replacing("32", with: "64")), "64x64"),
    made("a name of a megabyte", "") {
      $0.nodes[2].inputs = [String(repeating: "n", count: 1 << 20)]
    },
    made("a name that moves the cursor", "") { $0.nodes[2].operation = "\u{1B}[2J\r\n" },
    made("a domain that moves the cursor", "") { $0.nodes[2].domain = "\u{1B}[2J\r\n" },
  ]
}
