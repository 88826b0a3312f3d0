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
  /// are computed of them by picks, sums, factors and the like.
  private func probabilities(before output: Graph.NodeID) -> String? {
    // For each node, the activation that its results are computed of.
    var sources = [Graph.NodeID?](repeating: nil, count: output + 1)
    for id in nodes.indices.prefix(output + 1).dropFirst() {
      let inputs = nodes[id].inputs.map { sources[$0] }
      switch nodes[id].operation {
      case .softmax, .elementwise(.sigmoid), .elementwise(.hardSigmoid): sources[id] = id
      case .elementwise(.clip(let minimum, let maximum)) where (minimum, maximum) == (0, 1):
        sources[id] = id
      case .batchNormalization, .relu, .elementwise, .globalAveragePool, .averagePool, .maxPool,
        .concatenation, .add, .combine:
        sources[id] = inputs.lazy.compactMap(\.self).first
      // A gate times a map is a map, but of two probabilities the product is one.
      case .multiply where !inputs.contains(nil): sources[id] = inputs[0]
      case .convolution, .linear:
        if let source = inputs[0], isSum(id) { sources[id] = source }
      default: break
      }
    }
    return sources[output].map { source in
      let words = words(of: source)
      return source == output ? words : "an operation after the \(words)"
    }
  }

  /// Whether a convolution or linear layer is one of which each result is the sum or mean of some
  /// inputs, or one of them: all weights are zero or the same number, as those that are learned never
  /// are.
  private func isSum(_ id: Graph.NodeID) -> Bool {
    guard isOfOnePixel(id), let weight = values("weight", of: id),
      let factor = weight.first(where: { $0 != 0 })
    else { return false }
    return weight.allSatisfy { $0 == 0 || $0 == factor }
  }

  /// Returns words for the last operation that is more than a factor and a term for each output; nil
  /// if it makes sums, as of logits.
  ///
  /// A mean over a map of scores is one of those, whatever made the map (SqueezeNet ends in ReLU and
  /// GlobalAveragePool), unless that keeps numbers within bounds.
  private func function(at output: Graph.NodeID) -> String? {
    var open = [(id: output, isPooled: false)]
    var seen: Set<Graph.NodeID> = []
    while let (id, isPooled) = open.popLast() {
      guard seen.insert(id).inserted else { continue }
      switch nodes[id].operation {
      case .batchNormalization: open.append((nodes[id].inputs[0], isPooled))
      case .globalAveragePool, .averagePool, .maxPool: open.append((nodes[id].inputs[0], true))
      case .concatenation: open += nodes[id].inputs.map { ($0, isPooled) }
      case .convolution where picked(by: id) != nil, .linear where picked(by: id) != nil:
        open.append((nodes[id].inputs[0], isPooled))
      case .elementwise(.clip) where quantization.clips[id] != nil:
        open.append((nodes[id].inputs[0], isPooled))
      case .elementwise(.tanh): return words(of: id)
      case .relu, .elementwise, .normalization, .softmax, .multiply, .combine:
        if !isPooled { return words(of: id) }
      default: break
      }
    }
    return nil
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
    case .logarithm: "logarithm"
    case .squareRoot: "square root"
    case .power: "power"
    }
  }
}
