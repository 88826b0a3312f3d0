import ONNX
import ResNet

extension ONNXImporter {
  /// Convolutions and normalisation.
  static let layerOperators: [String: Operator] = [
    "Conv": { importer, node throws(CheckpointError) in try importer.convolution(node) },
    "BatchNormalization": { importer, node throws(CheckpointError) in
      try importer.normalization(node)
    },
  ]

  /// Adds a convolution: input `[N, C, H, W]`, weights `[K, C / groups, H, W]`, bias `[K]`.
  private mutating func convolution(
    _ node: ONNXNode
  ) throws(CheckpointError) -> ONNXImportedValue {
    if case .row(let row) = value(0, of: node) { return try convolveRow(row, node) }
    let (input, outer) = try paddedFeatures(of: node)
    let weight = try neededParameter(1, of: node)
    guard weight.shape.count == 4 else { throw fault(node, "weights of shape \(weight.shape)") }
    let kernel = Extent(height: weight.shape[2], width: weight.shape[3])
    if let declared = try integerList("kernel_shape", of: node) {
      guard declared == [kernel.height, kernel.width] else {
        throw fault(node, "kernel_shape \(declared.prefix(8)) with weights \(weight.shape)")
      }
    }
    let groups = try integer("group", of: node, default: 1)
    let channels = shapes[input].channels
    let outputs = weight.shape[0]
    guard 1...outputs ~= groups, outputs.isMultiple(of: groups), channels.isMultiple(of: groups),
      weight.shape[1] == channels / groups
    else {
      throw fault(
        node, "weights \(weight.shape) and \(groups) groups do not fit \(channels) channels")
    }
    let window = try window(node, kernel: kernel, over: shapes[input].padded(by: outer))
    var convolution = Convolution(outputChannels: outputs, kernel: kernel)
    convolution.stride = window.stride
    convolution.padding = window.padding(inside: outer)
    convolution.dilation = window.dilation
    convolution.groups = groups
    var parameters = [(suffix: "weight", tensor: weight)]
    if let bias = try parameter(2, of: node) {
      guard bias.shape == [outputs] else { throw fault(node, "a bias of shape \(bias.shape)") }
      convolution.hasBias = true
      parameters.append(("bias", bias))
    }
    let name = parameterName(1, of: node)
    return .features(try append(name, .convolution(convolution), [input], for: node, parameters))
  }

  /// Adds a normalisation with scale, shift, mean and variance, each `[C]`.
  private mutating func normalization(
    _ node: ONNXNode
  ) throws(CheckpointError) -> ONNXImportedValue {
    let (input, order) = try operand(0, of: node)
    guard order.channelAxis == 1, order.separatesChannels || shapes[input].pixelCount == 1 else {
      throw fault(node, "input 0 has no channels after the batch")
    }
    // Before set 14 the further outputs are those of training.
    guard try !flag("training_mode", of: node), model.opset >= 14 || node.outputs.count == 1,
      try flag("spatial", of: node, default: true)
    else { throw fault(node, "training mode, or statistics per pixel") }
    let given = try number("epsilon", of: node, default: 1e-5)
    guard given >= 0 else { throw fault(node, "epsilon \(given)") }
    // As good as none: a graph's is above 0, so that a variance of 0 divides by something.
    let epsilon = max(given, .leastNormalMagnitude)
    var parameters: [(suffix: String, tensor: Tensor)] = []
    for (index, suffix) in ["weight", "bias", "running_mean", "running_var"].enumerated() {
      let tensor = try neededParameter(index + 1, of: node)
      guard tensor.shape == [shapes[input].channels] else {
        throw fault(
          node, "\(suffix) of shape \(tensor.shape) for \(shapes[input].channels) channels")
      }
      parameters.append((suffix, tensor))
    }
    let operation = Operation.batchNormalization(BatchNormalization(epsilon: epsilon))
    let result = try append(parameterName(1, of: node), operation, [input], for: node, parameters)
    openNormalization(result, node)
    return order.value(result)
  }

  /// Returns the module's name if the file kept it in that of its weights, else the node's.
  func parameterName(_ index: Int, of node: ONNXNode) -> String {
    guard index < node.inputs.count, model.initializers[node.inputs[index]] != nil,
      node.inputs[index].hasSuffix(".weight")
    else { return node.name }
    return String(node.inputs[index].dropLast(".weight".count))
  }
}
