import ResNet

/// What the last operations of a graph say of its outputs, where they are no function that an answer
/// knows.
extension ONNXImporter {
  func ending(at output: Graph.NodeID) -> NetworkEnding {
    if let what = probabilities(before: output) {
      return .function(what, isOfProbabilities: true)
    }
    if let what = function(at: output) { return .function(what, isOfProbabilities: false) }
    return .open
  }

  /// Returns words for what makes numbers from 0 to 1 of each, if the outputs are such numbers or
  /// are computed of them by sums, factors and the like.
  private func probabilities(before output: Graph.NodeID) -> String? {
    var open = [output]
    var seen: Set<Graph.NodeID> = []
    while let id = open.popLast() {
      guard seen.insert(id).inserted else { continue }
      let node = nodes[id]
      switch node.operation {
      case .softmax, .elementwise(.sigmoid), .elementwise(.hardSigmoid):
        return id == output ? words(of: id) : "an operation after the \(words(of: id))"
      case .elementwise(.clip(let minimum, let maximum)) where (minimum, maximum) == (0, 1):
        return id == output ? words(of: id) : "an operation after the \(words(of: id))"
      case .batchNormalization, .relu, .elementwise, .globalAveragePool, .averagePool, .maxPool,
        .concatenation, .add, .combine:
        open += node.inputs
      default: break
      }
    }
    return nil
  }

  /// Returns words for the last operation that is more than a factor and a term for each output; nil
  /// if it makes sums, as of logits.
  ///
  /// A mean over a map of scores is one of those, whatever made the map (SqueezeNet ends in ReLU and
  /// GlobalAveragePool), unless that keeps numbers within bounds.
  private func function(at output: Graph.NodeID) -> String? {
    var id = output
    var isPooled = false
    while true {
      switch nodes[id].operation {
      case .batchNormalization: id = nodes[id].inputs[0]
      case .globalAveragePool, .averagePool, .maxPool:
        isPooled = true
        id = nodes[id].inputs[0]
      case .elementwise(.tanh): return words(of: id)
      case .relu, .elementwise, .normalization, .softmax, .multiply, .combine:
        return isPooled ? nil : words(of: id)
      default: return nil
      }
    }
  }

  private func words(of id: Graph.NodeID) -> String {
    let name =
      switch nodes[id].operation {
      case .softmax: "softmax"
      case .relu: "ReLU"
      case .normalization: "normalisation"
      case .multiply: "product"
      case .combine(.divide): "quotient"
      case .combine(.subtract): "difference"
      case .combine(.minimum): "minimum"
      case .combine(.maximum): "maximum"
      case .elementwise(let function): Self.words(of: function)
      default: "operation"
      }
    return "\(name) of node \"\(Self.readable(nodes[id].name))\""
  }

  private static func words(of function: Elementwise) -> String {
    switch function {
    case .sigmoid: "sigmoid"
    case .hardSigmoid: "hard sigmoid"
    case .clip(let minimum, let maximum): "clip to \(minimum)...\(maximum)"
    case .leakyRelu: "leaky ReLU"
    case .elu: "ELU"
    case .gelu, .tanhGelu: "GELU"
    case .tanh: "tanh"
    case .softplus: "softplus"
    case .exponential: "exponential"
    case .squareRoot: "square root"
    case .power: "power"
    }
  }
}
