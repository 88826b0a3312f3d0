import ONNX
import ResNet

/// Constants of which only the shape or the order of the numbers changes: their bytes are moved, not
/// computed, however many there are.
extension ONNXImporter {
  /// Returns a node's result, or nil if it is none of these.
  func moved(_ node: ONNXNode) throws(CheckpointError) -> ONNXImportedValue? {
    switch (node.operation, value(0, of: node)) {
    case ("Transpose", .constant(let tensor)):
      guard let order = try order(of: node, tensor) else { return nil }
      return transposed(tensor, order).map(ONNXImportedValue.constant)
    case ("Transpose", .dequantized(let tensor, let meaning)):
      guard let order = try order(of: node, tensor), let result = transposed(tensor, order) else {
        return nil
      }
      let axis = meaning.axis.flatMap(order.firstIndex(of:))
      return .dequantized(
        result,
        ONNXQuantization(
          elementType: meaning.elementType, scales: meaning.scales, zeros: meaning.zeros, axis: axis
        ))
    case ("Reshape", .constant(let tensor)):
      // Sizes that are kept or left open are for the evaluator.
      guard let shape = try integers(1, of: node), shape.allSatisfy({ $0 > 0 }),
        ONNXTensor.elementCount(shape, limit: .max)
          == ONNXTensor.elementCount(tensor.shape, limit: .max)
      else { return nil }
      return .constant(
        ONNXTensor(
          name: tensor.name, elementType: tensor.elementType, shape: shape, storage: tensor.storage)
      )
    default: return nil
    }
  }

  private func order(
    of node: ONNXNode, _ tensor: ONNXTensor
  ) throws(CheckpointError) -> [Int]? {
    let order = try integerList("perm", of: node) ?? Array(tensor.shape.indices.reversed())
    return order.sorted() == Array(tensor.shape.indices) ? order : nil
  }

  private func transposed(_ tensor: ONNXTensor, _ order: [Int]) -> ONNXTensor? {
    let size = tensor.elementType.byteCount
    guard case .bytes(let bytes) = tensor.storage, size > 0,
      let count = ONNXTensor.elementCount(tensor.shape, limit: bytes.count), count > 0,
      bytes.count == count * size
    else { return nil }
    var steps = [Int](repeating: size, count: tensor.shape.count)
    for axis in tensor.shape.indices.reversed().dropFirst() {
      steps[axis] = steps[axis + 1] * tensor.shape[axis + 1]
    }
    let shape = order.map { tensor.shape[$0] }
    let moves = order.map { steps[$0] }
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count)
    var place = [Int](repeating: 0, count: shape.count)
    var offset = 0
    for _ in 0..<count {
      for byte in 0..<size { result.append(bytes[offset + byte]) }
      // Counts up like an odometer.
      for axis in shape.indices.reversed() {
        place[axis] += 1
        offset += moves[axis]
        if place[axis] < shape[axis] { break }
        offset -= moves[axis] * shape[axis]
        place[axis] = 0
      }
    }
    return ONNXTensor(
      name: tensor.name, elementType: tensor.elementType, shape: shape, storage: .bytes(result))
  }
}
