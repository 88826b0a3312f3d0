/// ONNX files with impossible nodes: windows, attributes and numbers.
package enum HostileONNXNodes {
  package static let all = windows + attributes + values

  private static func convolution(
    _ name: String, _ attributes: (inout WireMessage) -> Void...
  ) -> Hostile {
    HostileONNX.made("a convolution with \(name)", "") { $0.nodes[0].attributes = attributes }
  }

  private static let windows: [Hostile] = [
    convolution("a negative window", ModelFile.integers("kernel_shape", [-3, -3])),
    convolution("no window", ModelFile.integers("kernel_shape", [0, 0])),
    convolution("another window than its weights", ModelFile.integers("kernel_shape", [5, 5])),
    convolution("a window of one side", ModelFile.integers("kernel_shape", [3])),
    convolution("a huge window", ModelFile.integers("kernel_shape", [.max, .max])),
    convolution("negative strides", ModelFile.integers("strides", [-1, -1])),
    convolution("strides of 0", ModelFile.integers("strides", [0, 0])),
    convolution("huge strides", ModelFile.integers("strides", [.max, .max])),
    convolution("dilations of 0", ModelFile.integers("dilations", [0, 0])),
    convolution("negative dilations", ModelFile.integers("dilations", [-1, 1])),
    convolution("huge dilations", ModelFile.integers("dilations", [1 << 62, 1 << 62])),
    convolution("huge padding", ModelFile.integers("pads", [.max, .max, .max, .max])),
    convolution(
      "padding of 2^31", ModelFile.integers("pads", [1 << 31, 1 << 31, 1 << 31, 1 << 31])),
    convolution(
      "padding to a gigapixel", ModelFile.integers("pads", [32768, 32768, 32768, 32768])),
    convolution("negative padding", ModelFile.integers("pads", [-1, -1, -1, -1])),
    convolution("negative padding past the image", ModelFile.integers("pads", [-99, 0, -99, 0])),
    convolution("three pads", ModelFile.integers("pads", [1, 1, 1])),
    convolution("a thousand pads", ModelFile.integers("pads", [Int64](repeating: 1, count: 1000))),
    convolution("no groups", ModelFile.integer("group", 0)),
    convolution("negative groups", ModelFile.integer("group", -1)),
    convolution("groups that do not divide", ModelFile.integer("group", 2)),
    convolution("huge groups", ModelFile.integer("group", .max)),
    convolution("unknown padding", ModelFile.text("auto_pad", "../../x")),
    convolution(
      "padding twice", ModelFile.integers("pads", [1, 1, 1, 1]),
      ModelFile.integers("pads", [0, 0, 0, 0])),
  ]

  private static let attributes: [Hostile] = [
    convolution("a number for a list", ModelFile.integer("kernel_shape", 3)),
    convolution("a text for a list", ModelFile.text("strides", "1,1")),
    convolution("a fraction for a number", ModelFile.number("group", 1)),
    convolution("an attribute of no type") { attribute in
      attribute.text(1, "group")
      attribute.integer(3, 1)
    },
    convolution("an attribute of an unknown type") { attribute in
      attribute.text(1, "group")
      attribute.integer(20, 99)
    },
    convolution("an attribute of two types") { attribute in
      attribute.text(1, "group")
      attribute.integer(3, 1)
      attribute.float(2, 1)
      attribute.integer(20, 2)
    },
    convolution("an attribute without a name") { $0.integer(20, 2) },
    convolution("an attribute that nobody knows", ModelFile.integer("frobnicate", 1)),
    convolution("an attribute by reference") { attribute in
      attribute.text(1, "group")
      attribute.text(21, "other")
      attribute.integer(20, 2)
    },
    HostileONNX.made("an epsilon that is no number", "") {
      $0.nodes[1].attributes = [ModelFile.number("epsilon", .nan)]
    },
    HostileONNX.made("a negative epsilon", "") {
      $0.nodes[1].attributes = [ModelFile.number("epsilon", -100)]
    },
    HostileONNX.made("an infinite epsilon", "") {
      $0.nodes[1].attributes = [ModelFile.number("epsilon", .infinity)]
    },
    HostileONNX.made("a text for an epsilon", "") {
      $0.nodes[1].attributes = [ModelFile.text("epsilon", "x")]
    },
    HostileONNX.made("normalisation in training", "") {
      $0.opset = 14
      $0.nodes[1].attributes = [ModelFile.integer("training_mode", 1)]
    },
    HostileONNX.made("a huge axis", "") {
      $0.nodes[4].attributes = [ModelFile.integer("axis", .max)]
    },
    HostileONNX.made("the smallest axis", "") {
      $0.nodes[4].attributes = [ModelFile.integer("axis", .min)]
    },
    HostileONNX.made("an axis through the image", "") {
      $0.nodes[4].attributes = [ModelFile.integer("axis", 0)]
    },
    HostileONNX.made("a factor that is no number", "") {
      $0.nodes[5].attributes += [ModelFile.number("alpha", .nan)]
    },
    HostileONNX.made("an infinite factor", "") {
      $0.nodes[5].attributes += [ModelFile.number("beta", .infinity)]
    },
    HostileONNX.made("a transposed image", "") {
      $0.nodes[5].attributes += [ModelFile.integer("transA", 1)]
    },
    HostileONNX.made("a linear layer the wrong way", "") { $0.nodes[5].attributes = [] },
  ]

  // MARK: Numbers

  private static func replaced(
    _ name: String, _ index: Int, _ shape: [Int64], _ value: Float, _ expected: String = ""
  ) -> Hostile {
    let count = Int(shape.reduce(1, *))
    let values = [Float](repeating: 1, count: count - 1) + [value]
    return HostileONNX.made(name, expected) {
      $0.tensors[index] = ModelFile.floats($0.tensors[index].name, shape, values)
    }
  }

  private static let values: [Hostile] = [
    replaced("a weight that is no number", 0, [4, 3, 3, 3], .nan),
    replaced("an infinite weight", 5, [10, 4], .infinity),
    replaced("a bias that is no number", 6, [10], .nan),
    replaced("a variance that is no number", 4, [4], .nan),
    replaced("a negative variance", 4, [4], -1),
    replaced("a variance of minus the epsilon", 4, [4], -1e-5),
    replaced("a mean that is infinite", 3, [4], -.infinity),
    replaced("a scale of other channels", 1, [5], 1),
    replaced("a scale of two dimensions", 1, [4, 1], 1),
    replaced("a bias of other classes", 6, [9], 1),
    replaced("a bias per image", 6, [2, 10], 1),
    replaced("weights of other channels", 0, [4, 4, 3, 3], 1),
    replaced("weights of three dimensions", 0, [4, 3, 9], 1),
    replaced("a linear layer of another width", 5, [10, 5], 1),
  ]

  /// Well-formed files of networks that are of no use.
  package static let unfit: [Hostile] = [
    HostileONNX.made("the same answer to every image", "") {
      $0.tensors[5] = ModelFile.floats("fc", [10, 4], [Float](repeating: 0, count: 40))
    },
    HostileONNX.made("answers past the largest number", "") {
      $0.tensors[5] = ModelFile.floats(
        "fc", [10, 4], (0..<40).map { $0.isMultiple(of: 2) ? 3e38 : -3e38 })
      $0.tensors[1] = ModelFile.floats("scale", [4], [3e38, 3e38, 3e38, 3e38])
    },
  ]
}
