extension ONNXModel {
  /// Throws unless exactly the declared inputs are given, each of its type and shape. A named
  /// dimension may have any size, and an input that no node reads any shape: some of ONNX's own
  /// cases rely on it.
  package func check(_ given: [String: DenseTensor]) throws(ONNXError) {
    let read = Set(nodes.flatMap(\.inputs)).union(outputs.map(\.name))
    for input in inputs {
      guard let tensor = given[input.name] else {
        throw .input(
          name: input.name,
          reason: "is missing; the graph takes \(input.elementType.map { "\($0) " } ?? "")"
            + input.shapeDescription)
      }
      if let elementType = input.elementType, elementType != tensor.elementType {
        throw .input(
          name: input.name,
          reason: "is of type \(tensor.elementType), the graph takes \(elementType)")
      }
      guard let shape = input.shape, read.contains(input.name) else { continue }
      let fits =
        shape.count == tensor.rank
        && zip(shape, tensor.shape).allSatisfy { declared, actual in (declared ?? actual) == actual
        }
      guard fits else {
        throw .input(
          name: input.name,
          reason: "has shape \(tensor.shape), the graph takes \(input.shapeDescription)")
      }
    }
    let known = Set(inputs.map(\.name))
    for name in given.keys.sorted() where !known.contains(name) {
      throw .input(name: name, reason: "the graph has no such input")
    }
  }
}
