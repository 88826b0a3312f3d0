extension DenseTensor {
  /// Reads the numbers of a file's tensor.
  package init(
    _ tensor: ONNXTensor, limits: ONNXLimits,
    external: (ONNXTensor) throws(ONNXError) -> [UInt8]
  ) throws(ONNXError) {
    let limit = limits.elementCountLimit
    guard let count = ONNXTensor.elementCount(tensor.shape, limit: limit) else {
      throw .tensor(
        name: tensor.name,
        reason: "shape \(tensor.shape) is too large, at most \(limit) elements are allowed")
    }
    let bytes: [UInt8]
    switch tensor.storage {
    case .bytes(let stored): bytes = stored
    case .external: bytes = try external(tensor)
    case .strings: throw .tensor(name: tensor.name, reason: "strings are not supported")
    }
    guard bytes.count == count * tensor.elementType.byteCount else {
      throw .tensor(
        name: tensor.name,
        reason:
          "it has \(bytes.count) bytes, its shape asks for \(count * tensor.elementType.byteCount)")
    }
    self.init(tensor.elementType, tensor.shape, bytes: bytes)
  }
}
