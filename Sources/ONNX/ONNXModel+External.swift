extension ONNXModel {
  /// Takes the bytes of initialisers in that lie in other files, in the order of their names.
  ///
  /// - Parameters:
  ///   - byteCountLimit: Of all of them together, each counted for each that shares it.
  ///   - read: Is given the bytes of each.
  package mutating func include(
    _ external: ExternalData, byteCountLimit: Int, _ read: ([UInt8]) -> Void
  ) throws(ONNXError) {
    var byteCount = 0
    for (name, tensor) in initializers.sorted(by: { $0.key < $1.key }) {
      guard case .external = tensor.storage else { continue }
      let bytes = try external.bytes(of: tensor)
      // Does not overflow: no file has more bytes than its size says, nor the sum until here more than the limit.
      byteCount += bytes.count
      guard byteCount <= byteCountLimit else {
        throw .overLimit(
          what: "bytes of tensors outside the file", value: byteCount, limit: byteCountLimit)
      }
      read(bytes)
      initializers[name] = ONNXTensor(
        name: tensor.name, elementType: tensor.elementType, shape: tensor.shape,
        storage: .bytes(bytes))
    }
  }
}
