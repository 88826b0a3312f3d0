/// Storage of a tensor's numbers: an array, a mapped file, or the program's own data.
package protocol TensorStorage: Sendable {
  /// Lends the numbers, row-major, for the duration of the call.
  func withValues<Result, Failure: Error>(
    _ body: (Span<Float>) throws(Failure) -> Result
  ) throws(Failure) -> Result
}

extension Array: TensorStorage where Element == Float {
  package func withValues<Result, Failure: Error>(
    _ body: (Span<Float>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(span)
  }
}

/// Read-only fp32 tensor: a shape and row-major numbers. Convolution weights are `[K, C/groups, H,
/// W]`.
package struct Tensor: Sendable {
  package let shape: [Int]
  package let storage: any TensorStorage

  /// `storage` holds exactly `shape.product` numbers; anything else is a programmer's error.
  package init(shape: [Int], storage: any TensorStorage) {
    self.shape = shape
    self.storage = storage
  }

  package var elementCount: Int { shape.reduce(1, *) }

  package func withValues<Result, Failure: Error>(
    _ body: (Span<Float>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try storage.withValues(body)
  }

  /// Returns a copy of the numbers.
  package var values: [Float] {
    withValues { span in
      unsafe [Float](unsafeUninitializedCapacity: span.count) { buffer, count in
        for index in 0..<span.count { unsafe buffer[index] = span[index] }
        count = span.count
      }
    }
  }
}

/// Parameters of a network by their names in its file, torchvision's for the ResNet family
/// (`layer1.0.conv1.weight`, `layer1.0.bn1.running_mean`, `fc.bias`).
package struct Weights: Sendable {
  private var tensors: [String: Tensor]

  package init(_ tensors: [String: Tensor] = [:]) { self.tensors = tensors }

  package subscript(name: String) -> Tensor? {
    get { tensors[name] }
    set { tensors[name] = newValue }
  }

  package var names: Dictionary<String, Tensor>.Keys { tensors.keys }
}
