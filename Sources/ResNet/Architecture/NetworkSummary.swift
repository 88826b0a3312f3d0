/// Layers of a network and their cost for one image.
package struct NetworkSummary: Sendable, Hashable {
  package struct Layer: Sendable, Hashable {
    package var name: String
    /// The operation in words: `convolution 3x3/2`.
    package var kind: String
    package var outputShape: FeatureShape
    /// Learned numbers: weights, biases, gamma and beta; running statistics do not count.
    package var parameterCount: Int
    /// Multiply-adds of convolutions and linear layers only, as in Table 1 of He et al. 2015.
    package var multiplyAddCount: Int
  }

  /// Totals of a residual block, as Figure 5 of He et al. 2015 compares them.
  package struct Block: Sendable, Hashable {
    package var name: String
    /// Weights of the main path's convolutions, without normalisation and shortcut.
    package var mainPathWeightCount: Int
    package var parameterCount: Int
    package var multiplyAddCount: Int
  }

  package var layers: [Layer]
  package var blocks: [Block]
  package var parameterCount: Int
  package var multiplyAddCount: Int

  package init(_ graph: Graph) throws(GraphError) {
    let shapes = try graph.shapes()
    layers = []
    for (node, shape) in zip(graph.nodes, shapes) {
      let input = node.inputs.first.map { shapes[$0] } ?? shape
      layers.append(Self.layer(node, input: input, output: shape))
    }
    parameterCount = layers.reduce(0) { $0 + $1.parameterCount }
    multiplyAddCount = layers.reduce(0) { $0 + $1.multiplyAddCount }
    blocks = Self.blocks(of: layers)
  }

  private static func layer(
    _ node: Graph.Node, input: FeatureShape, output: FeatureShape
  ) -> Layer {
    var parameters = 0
    var multiplyAdds = 0
    switch node.operation {
    case .convolution(let convolution):
      let window = convolution.kernel.height * convolution.kernel.width
      let weights = output.channels * (input.channels / convolution.groups) * window
      multiplyAdds = weights * output.pixelCount
      parameters = weights + (convolution.hasBias ? output.channels : 0)
      if convolution.foldedNormalization != nil { parameters += 2 * output.channels }
    case .batchNormalization: parameters = 2 * output.channels
    case .linear(let linear):
      multiplyAdds = linear.outputs * input.elementCount
      parameters = multiplyAdds + (linear.hasBias ? linear.outputs : 0)
    case .input, .relu, .elementwise, .add, .multiply, .combine, .maxPool, .averagePool, .pad,
      .border,
      .concatenation, .globalAveragePool, .normalization, .softmax, .resize, .depthToSpace,
      .paddedShortcut:
      break
    }
    return Layer(
      name: node.name, kind: node.operation.kind, outputShape: output, parameterCount: parameters,
      multiplyAddCount: multiplyAdds)
  }

  /// Adds up the blocks: layers named `layerS.B.…` belong to block `layerS.B`.
  private static func blocks(of layers: [Layer]) -> [Block] {
    var blocks: [Block] = []
    for layer in layers where layer.name.hasPrefix("layer") {
      let parts = layer.name.split(separator: ".", maxSplits: 2)
      guard parts.count == 3 else { continue }
      let name = "\(parts[0]).\(parts[1])"
      if blocks.last?.name != name {
        blocks.append(
          Block(name: name, mainPathWeightCount: 0, parameterCount: 0, multiplyAddCount: 0))
      }
      let last = blocks.count - 1
      blocks[last].parameterCount += layer.parameterCount
      blocks[last].multiplyAddCount += layer.multiplyAddCount
      if parts[2].hasPrefix("conv") { blocks[last].mainPathWeightCount += layer.parameterCount }
    }
    return blocks
  }
}

extension Operation {
  fileprivate var kind: String {
    switch self {
    case .input: "input"
    case .convolution(let convolution):
      "convolution \(convolution.kernel.height)x\(convolution.kernel.width)"
        + (convolution.stride == Extent(1) ? "" : "/\(convolution.stride.height)")
        + (convolution.groups == 1 ? "" : ", \(convolution.groups) groups")
    case .batchNormalization: "batch normalization"
    case .relu: "relu"
    case .elementwise(let function): function.kind
    case .add: "add"
    case .multiply: "multiply"
    case .combine(let combination): combination.rawValue
    case .maxPool(let pooling): "max pool \(pooling.window.height)x\(pooling.window.width)"
    case .averagePool(let pooling): "average pool \(pooling.window.height)x\(pooling.window.width)"
    case .pad: "zeros around"
    case .border(_, .reflect): "reflection around"
    case .border(_, .edge): "edges repeated around"
    case .border(_, .wrap): "opposite edges around"
    case .concatenation: "concatenation"
    case .globalAveragePool: "global average pool"
    case .normalization(let normalization):
      switch normalization.scope {
      case .channels: "layer normalization"
      case .groups(let groups): "normalization of \(groups) groups"
      }
    case .softmax(let size): "softmax over \(size)"
    case .resize(let resizing): "resize to \(resizing.height)x\(resizing.width)"
    case .depthToSpace(let block): "channels to blocks of \(block.height)x\(block.width)"
    case .paddedShortcut(let shortcut): "padded shortcut/\(shortcut.stride)"
    case .linear: "linear"
    }
  }
}

extension Elementwise {
  fileprivate var kind: String {
    switch self {
    case .sigmoid: "sigmoid"
    case .hardSigmoid: "hard sigmoid"
    case .clip(let minimum, let maximum): "clip \(minimum) to \(maximum)"
    case .leakyRelu(let slope): "leaky relu \(slope)"
    case .elu: "elu"
    case .gelu: "gelu"
    case .tanhGelu: "gelu by tanh"
    case .tanh: "tanh"
    case .softplus: "softplus"
    case .exponential: "exp"
    case .logarithm: "log"
    case .squareRoot: "square root"
    case .power(let exponent): "power \(exponent)"
    }
  }
}
