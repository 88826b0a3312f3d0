package import ResNet

/// Named tensors with strings, as a safetensors file: state that is no model, such as that of a
/// training that goes on later.
package struct TensorArchive: Sendable {
  package var tensors: Weights
  package var metadata: [String: String]

  package init(tensors: Weights, metadata: [String: String]) {
    (self.tensors, self.metadata) = (tensors, metadata)
  }

  /// Writes a file that appears at `path` complete or not at all; equal contents make equal bytes.
  package func write(to path: String) throws(CheckpointError) {
    let items = tensors.names.sorted().compactMap { name in
      tensors[name].map {
        SafetensorsWriter.Item(name: name, shape: $0.shape, content: .numbers($0))
      }
    }
    try SafetensorsWriter(items, metadata: metadata).write(to: path)
  }

  /// Reads a file; its tensors must be of fp32, and are copied out of it.
  package init(path: String) throws(CheckpointError) {
    let file = try SafetensorsFile(ModelBytes(mapping: path))
    metadata = file.metadata
    tensors = Weights()
    for entry in file.entries {
      guard entry.type == .float32 else {
        throw .tensor(name: entry.name, offset: entry.range.lowerBound, reason: "it is not fp32")
      }
      let numbers = file.bytes.withBytes(in: entry.range) { span in
        unsafe span.withUnsafeBytes { bytes in
          (0..<bytes.count / MemoryLayout<Float>.stride).map {
            // SAFETY: within the bytes, wherever they begin.
            unsafe bytes.loadUnaligned(
              fromByteOffset: $0 * MemoryLayout<Float>.stride, as: Float.self)
          }
        }
      }
      tensors[entry.name] = Tensor(shape: entry.shape, storage: numbers)
    }
  }
}
