import ResNet

extension Model {
  /// Writes the model as one safetensors file, which appears at `path` complete or not at all.
  ///
  /// - Parameter format: Format of its weights. Those that it cannot hold exactly are rounded, see
  ///   `rounded(to:)`.
  package func write(
    to path: String, storing format: WeightFormat = .f32
  ) throws(CheckpointError) {
    let serialization = try serialization(storing: format)
    try serialization.write(to: path)
  }

  /// Hands the bytes of the model's file to `body`, in order.
  package func write(
    to body: (RawSpan) throws(CheckpointError) -> Void
  ) throws(CheckpointError) {
    // The closure does not outlive the call.
    try withoutActuallyEscaping(body) { body throws(CheckpointError) in
      var sink = ClosureSink(body: body)
      try serialization().write(to: &sink)
    }
  }

  /// Writes the weights alone under torchvision's names, as other tools do, complete or not at all.
  ///
  /// Throws if no architecture says what they belong to. With option A's zero channels on both
  /// sides, the classifier gets akamaster's name, by which such files are recognised.
  package func writePlain(
    to path: String, storing format: WeightFormat = .f32
  ) throws(CheckpointError) {
    guard let architecture else { throw .graphOfItsOwn }
    let isCentered = architecture.shortcut == .a && architecture.zeroChannels == .centered
    let tensors = try parameters().map { (name, tensor) in
      let isRenamed = isCentered && name.hasPrefix("fc.")
      return SafetensorsWriter.Item(
        name: isRenamed ? "linear." + name.dropFirst("fc.".count) : name, shape: tensor.shape,
        content: .weights(tensor, format))
    }
    // Hugging Face's tools expect to be told whose tensors these are.
    let serialization = try SafetensorsWriter(tensors, metadata: ["format": "pt"])
    try serialization.write(to: path)
  }

  /// Returns the version that the written file will have.
  func serializedVersion() throws(CheckpointError) -> ModelVersion {
    var sink = try DigestSink()
    try serialization().write(to: &sink)
    return sink.finish()
  }

  private func serialization(
    storing format: WeightFormat = .f32
  ) throws(CheckpointError) -> SafetensorsWriter {
    var tensors = try parameters().map { (name, tensor) in
      SafetensorsWriter.Item(name: name, shape: tensor.shape, content: .weights(tensor, format))
    }
    for (index, sample) in goldenSamples.enumerated() {
      let logits = Tensor(shape: [sample.logits.count], storage: sample.logits)
      tensors.append(
        .init(
          name: "golden.\(index).image", shape: [sample.encodedImage.count],
          content: .bytes(sample.encodedImage)))
      tensors.append(
        .init(name: "golden.\(index).logits", shape: logits.shape, content: .numbers(logits)))
    }
    if let former = formerHead, !former.bias.isEmpty {
      let (rows, columns) = (former.bias.count, former.weights.count / former.bias.count)
      let weight = Tensor(shape: [rows, columns], storage: former.weights)
      let bias = Tensor(shape: [rows], storage: former.bias)
      tensors.append(
        .init(name: FormerHead.weightName, shape: weight.shape, content: .numbers(weight)))
      tensors.append(.init(name: FormerHead.biasName, shape: bias.shape, content: .numbers(bias)))
    }
    let json = try ModelDocument(self).json()
    // A graph can come from anywhere, so what is written must equal what is read back.
    if architecture == nil, try ModelDocument(json: json).network().graph != graph {
      throw .unsupported("a graph with fused operations, or whose last node is not its output")
    }
    return try SafetensorsWriter(tensors, metadata: [ModelDocument.metadataKey: json])
  }

  /// Returns all tensors that the graph reads, by name.
  func parameters() throws(CheckpointError) -> [(name: String, tensor: Tensor)] {
    let shapes: [String: [Int]]
    do { shapes = try graph.parameterShapes() } catch { throw .unsupported(error.description) }
    var tensors: [(name: String, tensor: Tensor)] = []
    for (name, shape) in shapes.sorted(by: { $0.key < $1.key }) {
      // They may have been released.
      guard let tensor = weights[name] else { throw .missingTensor(name: name, expected: shape) }
      tensors.append((name, tensor))
    }
    return tensors
  }
}

private struct ClosureSink: ByteSink {
  let body: (RawSpan) throws(CheckpointError) -> Void

  mutating func write(_ bytes: RawSpan) throws(CheckpointError) { try body(bytes) }
}
