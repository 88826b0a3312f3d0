import COneDNN
import ResNet

/// What is not a convolution; integers go through the linear layer and the maximum only.
extension Planner {
  mutating func rectify(_ node: Graph.Node) throws(EngineError) -> Value {
    let source = try floatingPoint(node.inputs[0], for: node.name)
    let primitive = try Primitive.relu(device, source.layout)
    let destination = isLastUse(node.inputs[0]) ? source.slot : newBuffer(source.layout.byteCount)
    append(node.name, primitive, from: source.slot, to: destination)
    return Value(slot: destination, layout: source.layout, format: source.format)
  }

  mutating func add(_ node: Graph.Node) throws(EngineError) -> Value {
    let first = try floatingPoint(node.inputs[0], for: node.name)
    let second = try reordered(node.inputs[1], to: first.layout, first.format, for: node.name)
    let primitive = try Primitive.addition(device, first.layout)
    let destination = isLastUse(node.inputs[0]) ? first.slot : newBuffer(first.layout.byteCount)
    append(node.name, primitive, from: first.slot, to: destination, addend: second)
    return Value(slot: destination, layout: first.layout, format: first.format)
  }

  mutating func pool(
    _ node: Graph.Node, _ pooling: Pooling, _ shape: FeatureShape, kind: onednn_pooling_kind
  ) throws(EngineError) -> Value {
    let id = node.inputs[0]
    let source = kind == ONEDNN_MAXIMUM ? current(id) : try floatingPoint(id, for: node.name)
    let attributes = onednn_pooling(
      pooling, kind: kind, batch: batch, input: lowered.shapes[id], output: shape)
    let primitive = try Primitive.pooling(device, attributes, source: source.layout)
    let layout = try primitive.layout(of: ONEDNN_DESTINATION)
    let destination = newBuffer(layout.byteCount)
    append(node.name, primitive, from: source.slot, to: destination)
    return Value(slot: destination, layout: layout, format: source.format)
  }

  mutating func multiply(_ node: Graph.Node, _ linear: Linear) throws(EngineError) -> Value {
    let source = try formatWanted(of: node.inputs[0])
    var attributes = onednn_linear(linear, batch: batch, input: lowered.shapes[node.inputs[0]])
    attributes.source_number = source.number.code
    attributes.weights_number = source.weightNumber.code
    let (primitive, parameters) = try compile(
      node.name, outputCount: linear.outputs, from: source, resultScale: 1
    ) { () throws(EngineError) in
      try lowered.parameters(of: node, linear)
    } make: { weights, scales throws(EngineError) in
      try Primitive.linear(device, attributes, scales: scales, weights: weights)
    }
    let wanted = try primitive.layout(of: ONEDNN_SOURCE)
    let input = try reordered(node.inputs[0], to: wanted, source, for: node.name)
    let layout = try primitive.layout(of: ONEDNN_DESTINATION)
    let destination = newBuffer(layout.byteCount)
    append(node.name, primitive, from: input, to: destination, parameters: parameters)
    return Value(slot: destination, layout: layout, format: .fp32)
  }
}
