extension ONNXModel {
  /// Takes the bytes of initialisers in that lie in other files, in the order of their names.
  ///
  /// - Parameter byteCountLimit: Of all of them together, each counted for each that shares it.
  /// - Returns: How many there are; nil where no tensor lies in another file.
  package mutating func include(
    _ external: ExternalData, byteCountLimit: Int
  ) throws(ONNXError) -> Int? {
    var byteCount: Int?
    for (name, tensor) in initializers.sorted(by: { $0.key < $1.key }) {
      guard case .external = tensor.storage else { continue }
      // Before they are read. Does not overflow: the C room takes no more than 2^59 elements of eight bytes at most.
      let sum = (byteCount ?? 0) + tensor.shape.reduce(tensor.elementType.byteCount, *)
      guard sum <= byteCountLimit else {
        throw .overLimit(
          what: "bytes of tensors outside the file", value: sum, limit: byteCountLimit)
      }
      byteCount = sum
      initializers[name] = ONNXTensor(
        name: tensor.name, elementType: tensor.elementType, shape: tensor.shape,
        storage: .bytes(try external.bytes(of: tensor)))
    }
    return byteCount
  }
}
