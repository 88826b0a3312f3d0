import ResNet

/// Which numbers a node's output is held in.
extension Planner {
  /// What a convolution or linear layer reads from a node and what it leaves there itself.
  func format(of id: Graph.NodeID) throws(EngineError) -> TensorFormat {
    switch options.precision {
    case .fp32: return .fp32
    case .bf16: return .bf16
    case .int8:
      let name = lowered.graph.nodes[id].name
      guard let range = options.calibration?.ranges[name], range > 0, range.isFinite else {
        throw .uncalibrated(node: name)
      }
      // What is never below zero has a bit more to spare.
      let number: Number = isNonnegative[id] ? .u8 : .s8
      return TensorFormat(number: number, scale: range / (number.largest ?? 1))
    }
  }

  /// As `format(of:)`, but what is there as integers already stays as it is.
  func formatWanted(of id: Graph.NodeID) throws(EngineError) -> TensorFormat {
    let present = current(id).format
    return present.isQuantized ? present : try format(of: id)
  }

  /// A node's output in floating point, for what is not computed on integers.
  mutating func floatingPoint(_ id: Graph.NodeID, for name: String) throws(EngineError) -> Value {
    let value = current(id)
    guard value.format.isQuantized else { return value }
    _ = try reordered(id, to: value.layout.recast(.fp32), .fp32, for: name)
    return current(id)
  }
}
