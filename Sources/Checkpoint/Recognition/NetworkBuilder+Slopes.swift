import ResNet

/// Activations with learned slopes below zero (PReLU, He et al. 2015), told by the tensors of modules
/// that have none otherwise.
///
///     prelu.weight, layer1.0.prelu.weight       insightface: one module for a block
///     relu.weight, layer1.0.relu.weight         torchvision's networks with another activation
///     act1.weight, layer1.0.act1.weight, …      timm's: one for each place
extension NetworkBuilder {
  private static let slopeNames = ["prelu", "relu", "act", "activation"]

  /// Names that such a module may have at a place of a block: the place's own, or one for all.
  private static func slopeNames(at number: Int) -> [String] {
    slopeNames.map { "\($0)\(number)" } + slopeNames
  }

  /// Whether blocks have learned slopes: then all of them must.
  var usesSlopes: Bool {
    (1...3).contains { Self.slopeNames(at: $0).contains(where: parts.contains) }
  }

  /// Module of the stem's slopes; nil if blocks have none.
  var stemSlopes: String? {
    guard usesSlopes else { return nil }
    return Self.slopeNames(at: 1).first { tensors.shape("\($0).weight") != nil }
      ?? Self.slopeNames[0]
  }

  func checkSlopes() throws(CheckpointError) {
    guard usesSlopes, isPreActivation || hasDeepStem else { return }
    throw .unsupported(
      "learned slopes (PReLU) with "
        + (hasDeepStem ? "a stem of several convolutions" : "normalisation before convolutions")
        + " are not read from tensors; export the network as ONNX")
  }

  /// Appends the activation at a place of a block, which are counted from 1.
  mutating func appendActivation(
    _ name: String, _ number: Int, of block: String, _ usual: NetworkVariant.Activation
  ) throws(CheckpointError) {
    guard usesSlopes else { return try append(name, usual) }
    guard let module = Self.slopeNames(at: number).first(where: parts.contains) else {
      throw .unsupported(
        "blocks have learned slopes (PReLU), but none for their activation \(number); export the "
          + "network as ONNX")
    }
    if !isForFaces, Self.slopeNames.contains(module) {
      assume("the learned slopes of a block (\(module)) are those of each of its activations")
    }
    try appendSlopes(name, "\(block).\(module)")
  }

  /// Appends what is above zero, and what is below it times a slope for all channels or each.
  mutating func appendSlopes(_ name: String, _ module: String) throws(CheckpointError) {
    let input = output
    let above = try append("\(name).above", .relu, [input])
    try append(
      "\(name).below", .elementwise(.clip(minimum: -.infinity, maximum: 0)), [input])
    let weight = "\(module).weight"
    try count(derived: outputShape.channels)
    try appendFactor(
      "\(name).slope", from: tensors.shape(weight) == [1] ? .repeated(weight) : .stored(weight))
    try append(name, .add, [above, output])
  }
}
