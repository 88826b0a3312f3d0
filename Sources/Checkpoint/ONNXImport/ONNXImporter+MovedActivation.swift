import ResNet

/// Activations before the last operations of a graph, where these only pick, order, repeat and join
/// numbers: the same operations on the logits and the activation after them give the same.
///
///     logits -> Sigmoid -> Slice -> Concat -> output
///     logits -> Slice -> Concat -> output, activation sigmoid
extension ONNXImporter {
  struct MovedActivation {
    var activation: OutputRule.Activation
    /// Nodes of the activation, which are left out.
    var leaves: Set<Graph.NodeID> = []
    /// Nodes between them and the outputs.
    var movers: Set<Graph.NodeID> = []
    /// Those of the movers that subtract from 1, which change the sign of logits.
    var complements: Set<Graph.NodeID> = []
  }

  /// Returns the activation that the outputs have by operations that only move its results; nil if
  /// there is none, or if it cannot stand after them.
  ///
  /// A softmax can if all of its numbers come out once each, in whatever order.
  func movedActivation(at output: Graph.NodeID) -> MovedActivation? {
    guard var found = walk(from: output) else { return nil }
    let softmaxes = found.leaves.filter { nodes[$0].operation != .elementwise(.sigmoid) }
    if let softmax = softmaxes.first {
      guard found.leaves == [softmax], found.complements.isEmpty,
        places(in: found, at: output).sorted() == Array(0..<shapes[softmax].channels)
      else { return nil }
      found.activation = .softmax
    }
    // Ranges of a quantised graph would be those of probabilities.
    guard !found.movers.contains(where: { quantization.ranges[$0] != nil }),
      areReadByThemselves(found, output)
    else { return nil }
    return found
  }

  /// Walks back to activations, or returns nil where anything else is in the way.
  private func walk(from output: Graph.NodeID) -> MovedActivation? {
    var found = MovedActivation(activation: .sigmoid)
    var open = [output]
    while let id = open.popLast() {
      guard !found.leaves.contains(id), !found.movers.contains(id) else { continue }
      switch nodes[id].operation {
      case .elementwise(.sigmoid): found.leaves.insert(id)
      case .softmax(let size) where size == shapes[id].channels && shapes[id].pixelCount == 1:
        found.leaves.insert(id)
      default:
        switch motion(of: id) {
        case .none: return nil
        case .complement: found.complements.insert(id)
        case .pick, .join: break
        }
        found.movers.insert(id)
        open += nodes[id].inputs
      }
    }
    return found
  }

  /// How a node moves the numbers of its inputs.
  private enum Motion {
    case join
    /// Channels of the input, in the order of the results.
    case pick([Int])
    /// What is left to 1, of some channels at least.
    case complement
  }

  /// Returns nil for a node that computes more.
  private func motion(of id: Graph.NodeID) -> Motion? {
    let node = nodes[id]
    switch node.operation {
    case .concatenation: return .join
    case .convolution, .linear: return picked(by: id).map(Motion.pick)
    case .batchNormalization(.scale):
      guard let factors = values("weight", of: id), let terms = values("bias", of: id),
        zip(factors, terms).allSatisfy({ ($0, $1) == (1, 0) || ($0, $1) == (-1, 1) })
      else { return nil }
      return factors.contains(-1) ? .complement : .pick(Array(factors.indices))
    default: return nil
    }
  }

  /// Returns the channel that each result of a convolution or linear layer of zeros and ones is; nil of
  /// any other.
  func picked(by id: Graph.NodeID) -> [Int]? {
    guard let weight = values("weight", of: id), let input = nodes[id].inputs.first,
      isOfOnePixel(id), values("bias", of: id)?.allSatisfy({ $0 == 0 }) ?? true
    else { return nil }
    let count = shapes[input].channels
    guard weight.count == count * shapes[id].channels else { return nil }
    var channels: [Int] = []
    for start in stride(from: 0, to: weight.count, by: count) {
      var channel: Int?
      for place in 0..<count where weight[start + place] != 0 {
        guard channel == nil, weight[start + place] == 1 else { return nil }
        channel = place
      }
      guard let channel else { return nil }
      channels.append(channel)
    }
    return channels
  }

  /// Whether a convolution or linear layer reads one pixel.
  func isOfOnePixel(_ id: Graph.NodeID) -> Bool {
    let node = nodes[id]
    guard let input = node.inputs.first, node.inputs.count == 1, shapes[input].pixelCount == 1
    else { return false }
    switch node.operation {
    case .linear: return true
    case .convolution(let convolution):
      return convolution.kernel == Extent(1) && convolution.groups == 1
        && shapes[id].pixelCount == 1
    default: return false
    }
  }

  func values(_ suffix: String, of id: Graph.NodeID) -> [Float]? {
    weights["\(nodes[id].name).\(suffix)"]?.values
  }

  /// Returns the channel of the only leaf that each output is.
  private func places(in found: MovedActivation, at output: Graph.NodeID) -> [Int] {
    var places: [Graph.NodeID: [Int]] = [:]
    for leaf in found.leaves { places[leaf] = Array(0..<shapes[leaf].channels) }
    // Inputs have lower numbers than what reads them.
    for id in found.movers.sorted() {
      let inputs = nodes[id].inputs.map { places[$0] ?? [] }
      if case .pick(let channels) = motion(of: id), let input = inputs.first {
        places[id] = channels.map { input[$0] }
      } else {
        places[id] = Array(inputs.joined())
      }
    }
    return places[output] ?? []
  }

  /// Whether nothing that the outputs depend on reads a moved number, but what moves it on.
  private func areReadByThemselves(_ found: MovedActivation, _ output: Graph.NodeID) -> Bool {
    var seen: Set<Graph.NodeID> = []
    var open = [output]
    while let id = open.popLast() {
      guard seen.insert(id).inserted else { continue }
      guard found.movers.contains(id) || found.movers.isDisjoint(with: nodes[id].inputs) else {
        return false
      }
      open += nodes[id].inputs
    }
    return true
  }
}
