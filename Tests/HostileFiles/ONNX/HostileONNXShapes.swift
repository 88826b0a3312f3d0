/// ONNX files with constants that are computed while they are read: shapes that do not fit, and
/// arithmetic that grows.
package enum HostileONNXShapes {
  package static let all = shapes + bombs

  /// Makes the linear layer add the result of `nodes`, whose last output is `bomb`.
  private static func computed(
    _ name: String, _ constants: [ModelFile.Tensor], _ nodes: [ModelFile.Node],
    _ expected: String = ""
  ) -> Hostile {
    HostileONNX.made(name, expected) { file in
      file.opset = 13
      file.tensors += constants
      file.nodes.insert(contentsOf: nodes, at: 0)
      file.nodes[file.nodes.count - 1].inputs[2] = "bomb"
    }
  }

  private static func node(
    _ operation: String, _ inputs: [String], _ outputs: [String],
    _ attributes: (inout WireMessage) -> Void...
  ) -> ModelFile.Node {
    ModelFile.Node(
      operation: operation, name: operation, inputs: inputs, outputs: outputs,
      attributes: attributes)
  }

  private static func single(
    _ name: String, _ operation: String, _ inputs: [String], _ constants: [ModelFile.Tensor] = [],
    _ attributes: (inout WireMessage) -> Void...
  ) -> Hostile {
    let bomb = ModelFile.Node(
      operation: operation, name: operation, inputs: inputs, outputs: ["bomb"],
      attributes: attributes)
    return computed(name, constants, [bomb])
  }

  private static func shape(_ values: Int64...) -> [ModelFile.Tensor] {
    [ModelFile.integers64("shape", values)]
  }

  /// Changes the classifier's flattening to a given shape.
  private static func reshape(_ name: String, _ values: Int64...) -> Hostile {
    HostileONNX.made("a reshape \(name)", "") { file in
      file.tensors.append(ModelFile.integers64("shape", values))
      file.nodes[4] = node("Reshape", ["p", "shape"], ["f"])
    }
  }

  private static let shapes: [Hostile] = [
    reshape("with two open sides", -1, -1), reshape("to a negative side", -2, 4),
    reshape("to 2^80 numbers", 1 << 40, 1 << 40), reshape("to too few numbers", 1, 3),
    reshape("to nothing", 0, 0, 0, 0, 0), reshape("to one dimension", -1),
    reshape("to 2^63 images", .max, 4), reshape("of the batch", 4, -1),
    HostileONNX.made("eight pads of three dimensions", "pads") { file in
      file.tensors.append(ModelFile.integers64("shape", [0, 1, 4]))
      file.tensors.append(ModelFile.integers64("pads", [Int64](repeating: 0, count: 8)))
      file.nodes[4] = node("Reshape", ["p", "shape"], ["row"])
      file.nodes.insert(node("Pad", ["row", "pads"], ["f"]), at: 5)
    },
    single("a constant reshaped to two open sides", "Reshape", ["bias", "shape"], shape(-1, -1)),
    single(
      "a constant reshaped to 2^80 numbers", "Reshape", ["bias", "shape"], shape(1 << 40, 1 << 40)),
    single(
      "a constant reshaped to the smallest number", "Reshape", ["bias", "shape"], shape(.min)),
    single("a reshape to fractions", "Reshape", ["bias", "mean"]),
    single("an index past its list", "Gather", ["bias", "shape"], shape(99)),
    single("the smallest index", "Gather", ["bias", "shape"], shape(.min)),
    single(
      "a gather along no axis", "Gather", ["bias", "shape"], shape(0),
      ModelFile.integer("axis", .max)),
    single("a gather by fractions", "Gather", ["bias", "mean"]),
    single(
      "a transposition of no order", "Transpose", ["fc"], [], ModelFile.integers("perm", [0, 0])),
    single(
      "a transposition past its sides", "Transpose", ["fc"], [],
      ModelFile.integers("perm", [.max, 0])),
    single("a join of nothing", "Concat", [], [], ModelFile.integer("axis", 0)),
    single(
      "a join along no axis", "Concat", ["bias", "bias"], [], ModelFile.integer("axis", .min)),
    single(
      "a join of what does not fit", "Concat", ["bias", "fc"], [], ModelFile.integer("axis", 0)),
    single("a sum of what does not fit", "Add", ["bias", "mean"]),
    single("a product of what does not fit", "MatMul", ["fc", "fc"]),
    single("a cast to no type", "Cast", ["bias"], [], ModelFile.integer("to", 0)),
    single("a cast to an unknown type", "Cast", ["bias"], [], ModelFile.integer("to", 99)),
    single("a cast to texts", "Cast", ["bias"], [], ModelFile.integer("to", 8)),
    single("axes twice", "Unsqueeze", ["bias", "shape"], shape(0, 0)),
    single("an axis far away", "Unsqueeze", ["bias", "shape"], shape(.max)),
    single("a side taken away that is not one", "Squeeze", ["bias", "shape"], shape(0)),
    single(
      "a division by zero", "Div", ["shape", "zero"], shape(1) + [ModelFile.integers64("zero", [0])]
    ),
    single(
      "the division that overflows", "Div", ["shape", "one"],
      shape(.min) + [ModelFile.integers64("one", [-1])]),
    single(
      "a slice of step 0", "Slice", ["bias", "shape", "end", "axis", "step"],
      shape(0) + [
        ModelFile.integers64("end", [9]), ModelFile.integers64("axis", [0]),
        ModelFile.integers64("step", [0]),
      ]),
    single(
      "a slice along no axis", "Slice", ["bias", "shape", "end", "axis"],
      shape(0) + [ModelFile.integers64("end", [9]), ModelFile.integers64("axis", [7])]),
    single(
      "a constant without a value", "Constant", []),
    single(
      "a constant with two values", "Constant", [], [], ModelFile.integer("value_int", 1),
      ModelFile.number("value_float", 1)),
    single(
      "a constant of negative size", "Constant", [], [],
      ModelFile.tensor("value", .init(name: "v", type: 1, shape: [-1]) { _ in })),
    single(
      "a constant in a file", "Constant", [], [],
      ModelFile.tensor(
        "value",
        .init(name: "v", type: 1, shape: [10]) { tensor in
          tensor.message(13) {
            $0.text(1, "location")
            $0.text(2, "/etc/passwd")
          }
          tensor.integer(14, 1)
        })),
  ]

  /// Nodes that each double the one before.
  private static var doubled: [ModelFile.Node] {
    (0..<40).map { index in
      node(
        "Concat", ["d\(index)", "d\(index)"], [index == 39 ? "bomb" : "d\(index + 1)"],
        ModelFile.integer("axis", 0))
    }
  }

  /// A column and a row of 2^20 numbers, and their sum.
  private static var broadcast: [ModelFile.Node] {
    [
      node("ConstantOfShape", ["column"], ["c0"]), node("ConstantOfShape", ["row"], ["r0"]),
      node("Add", ["c0", "r0"], ["bomb"]),
    ]
  }

  /// Matrices of 2^22 numbers, multiplied by each other fifty times.
  private static var products: [ModelFile.Node] {
    [node("ConstantOfShape", ["shape"], ["m0"])]
      + (0..<50).map { node("MatMul", ["m\($0)", "m0"], [$0 == 49 ? "bomb" : "m\($0 + 1)"]) }
  }

  private static let bombs: [Hostile] = [
    single("2^60 zeros", "ConstantOfShape", ["shape"], shape(1 << 30, 1 << 30)),
    single("2^63 zeros", "ConstantOfShape", ["shape"], shape(.max)),
    single("fewer than no zeros", "ConstantOfShape", ["shape"], shape(-1)),
    single("2^27 zeros", "ConstantOfShape", ["shape"], shape(1 << 27)),
    single("2^24 zeros", "ConstantOfShape", ["shape"], shape(1 << 24)),
    single("2^22 zeros", "ConstantOfShape", ["shape"], shape(1 << 22)),
    single(
      "zeros of a thousand dimensions", "ConstantOfShape", ["shape"],
      [ModelFile.integers64("shape", [Int64](repeating: 1, count: 1000))]),
    single(
      "zeros of two values", "ConstantOfShape", ["shape"], shape(10),
      ModelFile.tensor("value", ModelFile.integers64("v", [1, 2]))),
    single("a number made 2^60", "Expand", ["bias", "shape"], shape(1 << 30, 1 << 29, 10)),
    single("a number repeated 2^60 times", "Tile", ["bias", "shape"], shape(1 << 60)),
    single(
      "a range of 2^60", "Range", ["from", "shape", "step"],
      [
        .init(name: "from", type: 7, shape: []) { $0.data(9, HostileONNX.zeros(8)) },
        .init(name: "shape", type: 7, shape: []) { $0.data(9, [0, 0, 0, 0, 0, 0, 0, 16]) },
        .init(name: "step", type: 7, shape: []) { $0.data(9, [1, 0, 0, 0, 0, 0, 0, 0]) },
      ]),
    single("padding of 2^60", "Pad", ["bias", "shape"], shape(0, 1 << 60)),
    single("padding of 2^63 on both sides", "Pad", ["bias", "shape"], shape(.max, .max)),
    single("padding to the smallest number", "Pad", ["bias", "shape"], shape(.min, .min)),
    computed(
      "forty doublings", [ModelFile.integers64("d0", [1])], doubled),
    computed(
      "a row plus a column",
      [ModelFile.integers64("column", [1 << 20, 1]), ModelFile.integers64("row", [1, 1 << 20])],
      broadcast),
    computed("products of products", shape(2048, 2048), products),
    HostileONNX.made("an image padded to a gigapixel", "") { file in
      file.tensors.append(
        ModelFile.integers64("pads", [0, 0, 30_000, 30_000, 0, 0, 30_000, 30_000]))
      file.nodes.insert(node("Pad", ["x", "pads"], ["x2"]), at: 0)
      file.nodes[1].inputs[0] = "x2"
    },
    HostileONNX.made("an image enlarged", "") { file in
      file.tensors.append(ModelFile.floats("scales", [4], [1, 1, 1e6, 1e6]))
      file.nodes.insert(node("Resize", ["x", "", "scales"], ["x2"]), at: 0)
      file.nodes[1].inputs[0] = "x2"
    },
    HostileONNX.made("a million classes out of one tensor", "") { file in
      file.tensors.append(ModelFile.integers64("shape", [100_000_000, 4]))
      file.tensors.append(ModelFile.integers64("classes", [100_000_000]))
      file.nodes.insert(node("ConstantOfShape", ["shape"], ["big"]), at: 0)
      file.nodes.insert(node("ConstantOfShape", ["classes"], ["wide"]), at: 0)
      file.nodes[file.nodes.count - 1].inputs = ["f", "big", "wide"]
    },
  ]
}
