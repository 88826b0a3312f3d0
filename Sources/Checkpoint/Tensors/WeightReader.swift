import ResNet

/// Takes a network's parameters out of a file: all that the graph needs, none left over, all sound.
struct WeightReader {
  let file: TensorFile
  let tensors: NamedTensors
  var interruption = Interruption()
  var memory = LoadingMemory()

  /// Returns weights in the file's memory if type and alignment allow it, else copies.
  ///
  /// - Parameter network: Network of plain tensors, which says what parameters are made of; nil if
  ///   all stand in the file as they are.
  func weights(
    for graph: Graph, of network: TensorNetwork? = nil
  ) throws(CheckpointError) -> Weights {
    let shapes: [String: [Int]]
    do { shapes = try graph.parameterShapes() } catch { throw .unsupported(error.description) }
    try takeMemory(for: shapes, network)
    var weights = Weights()
    var read = network?.passedOver ?? []
    for (name, shape) in shapes.sorted(by: { $0.key < $1.key }) {
      try interruption.check()
      let source = network?.source(of: name)
      if let source, source.tensor == nil {
        weights[name] = Tensor(shape: shape, storage: source.values([], shape: shape))
        continue
      }
      let stored = source?.tensor ?? name
      read.insert(stored)
      weights[name] = try parameter(stored, as: name, shape, source)
    }
    let unknown = tensors.parameters.filter { !read.contains($0.key) }.values
    if let first = unknown.min(by: { $0.name < $1.name }) {
      throw .unknownTensor(name: first.name, offset: first.offset)
    }
    return weights
  }

  /// Asks for the memory of all parameters that are not used where they lie in the file.
  private func takeMemory(
    for shapes: [String: [Int]], _ network: TensorNetwork?
  ) throws(CheckpointError) {
    var numberCount = 0
    for (name, shape) in shapes {
      let source = network?.source(of: name) ?? .stored(name)
      let count = shape.reduce(1, *)
      if case .stored(let stored) = source, tensors.magnitudes[stored] == nil {
        guard let entry = tensors.parameters[stored] else { continue }
        numberCount += isUsedInPlace(entry) ? 0 : count
      } else {
        // What they are made of is copied first.
        numberCount += 2 * count
      }
    }
    try memory.take(numberCount * MemoryLayout<Float>.stride)
  }

  /// Returns the numbers of a parameter that a tensor holds, as they are or as the source says.
  private func parameter(
    _ stored: String, as name: String, _ shape: [Int], _ source: ParameterSource?
  ) throws(CheckpointError) -> Tensor {
    guard let entry = tensors.parameters[stored] else {
      throw .missingTensor(name: tensors.nameInFile(of: stored), expected: shape)
    }
    guard entry.shape == shape || source?.fits(entry.shape, to: shape) == true else {
      throw .tensorShape(
        name: entry.name, offset: entry.offset, expected: shape, actual: entry.shape)
    }
    let tensor =
      if let magnitude = tensors.magnitudes[stored] { try normalized(entry, by: magnitude) } else {
        try self.tensor(entry)
      }
    if let fault = Self.fault(in: tensor, isVariance: name.hasSuffix(".running_var")) {
      throw .tensor(name: entry.name, offset: entry.offset, reason: fault)
    }
    switch source {
    case nil, .stored: return Tensor(shape: shape, storage: tensor.storage)
    case .inverse where tensor.values.contains { $0 <= 0 }:
      throw .tensor(
        name: entry.name, offset: entry.offset,
        reason: "an exponent is \(tensor.values.min() ?? 0), and must be above 0")
    case let source?:
      return Tensor(shape: shape, storage: source.values(tensor.values, shape: shape))
    }
  }

  /// Returns the weights that a direction and a magnitude are.
  private func normalized(
    _ entry: TensorEntry, by magnitude: TensorEntry
  ) throws(CheckpointError) -> Tensor {
    guard magnitude.type.isFloatingPoint,
      let weights = try WeightNormalization.weights(
        entry.floats(in: file.bytes), entry.shape, magnitude.floats(in: file.bytes), magnitude.shape
      )
    else {
      throw .tensor(
        name: magnitude.name, offset: magnitude.offset,
        reason:
          "shape \(magnitude.shape) is not that of magnitudes of \(entry.name), \(entry.shape)")
    }
    return Tensor(shape: entry.shape, storage: weights)
  }

  private func isUsedInPlace(_ entry: TensorEntry) -> Bool {
    entry.type == .float32 && entry.isDense && !entry.isLatin1
      && entry.offset.isMultiple(of: MemoryLayout<Float>.alignment)
  }

  private func tensor(_ entry: TensorEntry) throws(CheckpointError) -> Tensor {
    if isUsedInPlace(entry) {
      let values = StoredValues(
        bytes: file.bytes, offset: entry.offset, count: entry.elementCount)
      return Tensor(shape: entry.shape, storage: values)
    }
    return Tensor(shape: entry.shape, storage: try entry.floats(in: file.bytes))
  }

  /// Describes what makes numbers unusable: NaN, infinity, a variance below zero.
  static func fault(in tensor: Tensor, isVariance: Bool) -> String? {
    tensor.withValues { values in
      // An exponent of all ones means NaN or infinity; a maximum of integers is vectorised.
      var largest: UInt32 = 0
      for index in values.indices { largest = max(largest, values[index].bitPattern & 0x7FFF_FFFF) }
      if largest >= Float.infinity.bitPattern {
        return "a number is NaN, infinite, or beyond single precision; \(damage)"
      }
      guard isVariance else { return nil }
      var smallest: Float = 0
      for index in values.indices { smallest = min(smallest, values[index]) }
      return smallest < 0 ? "a variance is \(smallest); \(damage)" : nil
    }
  }

  private static let damage =
    "the file is damaged, or its training has diverged: fetch it again, or take an earlier checkpoint"

  /// Pairs `golden.N.image` and `golden.N.logits` for N from zero on.
  func goldenSamples(classCount: Int) throws(CheckpointError) -> [GoldenSample] {
    var samples: [GoldenSample] = []
    while let image = tensors.golden["golden.\(samples.count).image"] {
      guard samples.count < GoldenSample.countLimit else {
        throw .overLimit(
          what: "golden samples", value: samples.count + 1, limit: GoldenSample.countLimit)
      }
      let logitsName = "golden.\(samples.count).logits"
      guard let logits = tensors.golden[logitsName] else {
        throw .missingTensor(name: logitsName, expected: [classCount])
      }
      samples.append(try goldenSample(image, logits, classCount: classCount))
    }
    let known = Set(samples.indices.flatMap { ["golden.\($0).image", "golden.\($0).logits"] })
    if let unknown = tensors.golden.values.filter({ !known.contains($0.name) })
      .min(by: { $0.name < $1.name })
    {
      throw .unknownTensor(name: unknown.name, offset: unknown.offset)
    }
    return samples
  }

  /// Reads the rows of the last layer before a lesson, as the document describes them.
  func formerHead(_ document: FormerHeadDocument?) throws(CheckpointError) -> FormerHead? {
    let hasRows = document?.changedClasses.isEmpty == false
    if !hasRows, let unknown = tensors.former.values.min(by: { $0.name < $1.name }) {
      throw .unknownTensor(name: unknown.name, offset: unknown.offset)
    }
    guard let document else { return nil }
    var head = FormerHead(
      classCount: document.classCount, changedClasses: document.changedClasses)
    guard hasRows else { return head }
    let count = head.changedClasses.count
    head.weights = try formerRows(FormerHead.weightName, [count, -1])
    head.bias = try formerRows(FormerHead.biasName, [count])
    return head
  }

  /// - Parameter shape: Dimensions of the tensor, -1 for any.
  private func formerRows(_ name: String, _ shape: [Int]) throws(CheckpointError) -> [Float] {
    guard let entry = tensors.former[name] else {
      throw .missingTensor(name: name, expected: shape)
    }
    guard entry.type == .float32, entry.shape.count == shape.count,
      zip(entry.shape, shape).allSatisfy({ $1 == -1 || $0 == $1 })
    else {
      throw .tensorShape(
        name: name, offset: entry.offset, expected: shape, actual: entry.shape)
    }
    return Array(try tensor(entry).values)
  }

  private func goldenSample(
    _ image: TensorEntry, _ logits: TensorEntry, classCount: Int
  ) throws(CheckpointError) -> GoldenSample {
    guard image.type == .uint8, image.shape.count == 1, !image.range.isEmpty else {
      throw .tensor(
        name: image.name, offset: image.offset, reason: "an encoded image is U8 of one dimension")
    }
    guard image.range.count <= GoldenSample.imageByteCountLimit else {
      throw .overLimit(
        what: "bytes of \(image.name)", value: image.range.count,
        limit: GoldenSample.imageByteCountLimit)
    }
    guard logits.type == .float32 else {
      throw .tensor(name: logits.name, offset: logits.offset, reason: "logits are F32")
    }
    guard logits.shape == [classCount] else {
      throw .tensorShape(
        name: logits.name, offset: logits.offset, expected: [classCount], actual: logits.shape)
    }
    let values = try tensor(logits)
    if let fault = Self.fault(in: values, isVariance: false) {
      throw .tensor(name: logits.name, offset: logits.offset, reason: fault)
    }
    let encoded = file.bytes.withBytes(in: image.range) { span in
      unsafe span.withUnsafeBytes { unsafe [UInt8]($0) }
    }
    return GoldenSample(encodedImage: encoded, logits: values.values)
  }
}
