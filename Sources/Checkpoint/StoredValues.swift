import ResNet

/// Numbers used where the file has them; keeps the file's memory until the last tensor is gone.
struct StoredValues: TensorStorage {
  let bytes: ModelBytes
  /// A multiple of four.
  let offset: Int
  let count: Int

  func withValues<Result, Failure: Error>(
    _ body: (Span<Float>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try bytes.withFloats(at: offset, count: count, body)
  }
}
