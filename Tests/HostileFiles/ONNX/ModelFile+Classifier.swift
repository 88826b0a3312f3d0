extension ModelFile {
  private static var classifierTensors: [Tensor] {
    [
      numbers("w", [4, 3, 3, 3], scale: 0.25), numbers("scale", [4], scale: 1),
      numbers("shift", [4], scale: 0.5), numbers("mean", [4], scale: 0.125),
      numbers("variance", [4], scale: 0.25, offset: 1), numbers("fc", [10, 4], scale: 1),
      numbers("bias", [10], scale: 0.5),
    ]
  }

  /// A convolution, its normalisation and a linear layer; ten classes of images of 32x32 pixels,
  /// with a document.
  package static var classifier: ModelFile {
    var file = ModelFile()
    file.metadata = [("resnetd", SoundFiles.document())]
    file.inputs = [("x", 1, [nil, 3, 32, 32])]
    file.outputs = [("y", 1, [nil, 10])]
    file.tensors = classifierTensors
    file.nodes = [
      Node(
        operation: "Conv", name: "conv", inputs: ["x", "w"], outputs: ["c"],
        attributes: [integers("kernel_shape", [3, 3]), integers("pads", [1, 1, 1, 1])]),
      Node(
        operation: "BatchNormalization", name: "bn",
        inputs: ["c", "scale", "shift", "mean", "variance"], outputs: ["n"]),
      Node(operation: "Relu", name: "relu", inputs: ["n"], outputs: ["r"]),
      Node(operation: "GlobalAveragePool", name: "pool", inputs: ["r"], outputs: ["p"]),
      Node(operation: "Flatten", name: "flatten", inputs: ["p"], outputs: ["f"]),
      Node(
        operation: "Gemm", name: "fc", inputs: ["f", "fc", "bias"], outputs: ["y"],
        attributes: [integer("transB", 1)]),
    ]
    return file
  }

  /// Returns numbers from -scale to scale, neighbours being different, above `offset`.
  package static func numbers(
    _ name: String, _ shape: [Int64], scale: Float, offset: Float = 0
  ) -> Tensor {
    let count = Int(shape.reduce(1, *))
    let values = (0..<count).map { offset + scale * (Float($0 * 7 % 11) / 11 - 0.25) }
    return floats(name, shape, values)
  }

  package static func floats(_ name: String, _ shape: [Int64], _ values: [Float]) -> Tensor {
    Tensor(name: name, type: 1, shape: shape) { tensor in
      tensor.data(9, values.flatMap { PickleBytes.little($0.bitPattern).bytes })
    }
  }

  package static func integers64(_ name: String, _ values: [Int64]) -> Tensor {
    Tensor(name: name, type: 7, shape: [Int64(values.count)]) { tensor in
      tensor.data(9, values.flatMap { PickleBytes.little($0).bytes })
    }
  }

  // MARK: Attributes

  package static func integer(_ name: String, _ value: Int64) -> (inout WireMessage) -> Void {
    { attribute in
      attribute.text(1, name)
      attribute.integer(3, value)
      attribute.integer(20, 2)
    }
  }

  package static func number(_ name: String, _ value: Float) -> (inout WireMessage) -> Void {
    { attribute in
      attribute.text(1, name)
      attribute.float(2, value)
      attribute.integer(20, 1)
    }
  }

  static func text(_ name: String, _ value: String) -> (inout WireMessage) -> Void {
    { attribute in
      attribute.text(1, name)
      attribute.text(4, value)
      attribute.integer(20, 3)
    }
  }

  static func tensor(_ name: String, _ value: Tensor) -> (inout WireMessage) -> Void {
    { attribute in
      attribute.text(1, name)
      attribute.message(5, value.write)
      attribute.integer(20, 4)
    }
  }
}
