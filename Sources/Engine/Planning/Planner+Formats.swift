import ResNet

/// Formats of the numbers of nodes' outputs.
extension Planner {
  /// Returns the format in which a node's output is read, and written, by a convolution or linear
  /// layer on integers.
  func format(of id: Graph.NodeID) throws(EngineError) -> TensorFormat {
    switch options.precision {
    case .fp32: return .fp32
    case .bf16: return .bf16
    case .int8:
      guard let node = lowered.calibratedNode(id) else { return .fp32 }
      guard let range = options.calibration?.range(of: node), range > 0, range.isFinite else {
        if options.calibration?.floatingPoint != nil { return .fp32 }
        throw .uncalibrated(node: node.name)
      }
      if id == 0 { return inputFormat(range: range) }
      // Numbers that are never below zero have a bit to spare.
      let number: Number = isNonnegative[id] ? .u8 : .s8
      return TensorFormat(number: number, scale: range / (number.largest ?? 1))
    }
  }

  /// Returns the format of the input. Convolutions take a source whose zero point is not 0; if
  /// anything else reads the input, its longer side sets the scale.
  private func inputFormat(range: Float) -> TensorFormat {
    let zero = options.calibration?.inputZeroPoint ?? 0
    let scale = range / Float(127 - zero)
    if zero == 0 { return TensorFormat(number: .s8, scale: scale) }
    guard inputMayHaveZeroPoint else {
      return TensorFormat(number: .s8, scale: scale * Float(127 + abs(zero)) / 127)
    }
    return TensorFormat(number: .s8, scale: scale, zeroPoint: Int32(zero))
  }

  private var inputMayHaveZeroPoint: Bool {
    lowered.graph.output != 0
      && lowered.graph.nodes.allSatisfy { node in
        guard node.inputs.contains(0) else { return true }
        guard case .convolution(let convolution) = node.operation else { return false }
        return convolution.groups == 1 && node.inputs[0] == 0
          && !node.inputs.dropFirst().contains(0)
          && options.calibration?.computesInFloatingPoint(node) == false
      }
  }

  /// Returns `format(of:)`, except that integers stay as they are.
  func formatWanted(of id: Graph.NodeID) throws(EngineError) -> TensorFormat {
    let present = current(id).format
    return present.isQuantized ? present : try format(of: id)
  }

  /// Returns the format that a convolution or linear layer reads from the node before it.
  func sourceFormat(of node: Graph.Node) throws(EngineError) -> TensorFormat {
    if options.precision == .int8,
      options.calibration?.computesInFloatingPoint(node) == true
    {
      return .fp32
    }
    if options.precision == .int8, options.usesOwnIntegerLayers,
      case .convolution(let convolution) = node.operation, !IntegerKernel.computes(convolution)
    {
      return .fp32
    }
    return try formatWanted(of: node.inputs[0])
  }

  /// Returns the formats of a convolution's result and of the residual that it adds: both integers,
  /// or both of one type.
  func resultFormats(
    of id: Graph.NodeID, from source: TensorFormat
  ) throws(EngineError) -> ResultFormats {
    let node = lowered.graph.nodes[id]
    guard case .convolution(let convolution) = node.operation, convolution.addsResidual else {
      return ResultFormats(result: source.isQuantized ? try format(of: id) : source)
    }
    let residual = try formatWanted(of: node.inputs[1])
    guard source.isQuantized else { return ResultFormats(result: source, residual: source) }
    let result = try format(of: id)
    return result.isQuantized && residual.isQuantized
      ? ResultFormats(result: result, residual: residual)
      : ResultFormats(result: .fp32, residual: .fp32)
  }

  /// Formats of a convolution's result and of the residual that it adds, if any.
  struct ResultFormats {
    var result: TensorFormat
    var residual: TensorFormat?
  }

  /// Returns a node's output in floating point, for operations that are not computed on integers.
  mutating func floatingPoint(_ id: Graph.NodeID, for name: String) throws(EngineError) -> Value {
    let value = current(id)
    guard value.format.isQuantized else { return value }
    _ = try reordered(id, to: value.layout.recast(.fp32), .fp32, for: name)
    return current(id)
  }
}
