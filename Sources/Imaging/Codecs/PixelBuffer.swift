import Glibc

/// Bytes on the heap whose allocation may fail as an error, unlike an array's.
@safe struct PixelBuffer: ~Copyable {
  let count: Int
  // SAFETY: `count` bytes, owned by this value alone and freed with it.
  private let base: UnsafeMutablePointer<UInt8>

  /// Zeroed. Throws `outOfMemory`.
  init(count: Int) throws(ImagingError) {
    // SAFETY: calloc gives memory for at least one byte or null, which is checked.
    guard let memory = unsafe calloc(max(count, 1), 1) else { throw .outOfMemory }
    unsafe self.base = memory.assumingMemoryBound(to: UInt8.self)
    self.count = count
  }

  deinit { unsafe free(base) }

  /// `range` must lie within the buffer; that is checked.
  mutating func withMutableBytes<Failure: Error>(
    _ range: Range<Int>, _ body: (UnsafeMutablePointer<UInt8>) throws(Failure) -> Void
  ) throws(Failure) {
    precondition(range.lowerBound >= 0 && range.upperBound <= count)
    try unsafe body(base + range.lowerBound)
  }

  /// `range` must lie within the buffer; that is checked.
  borrowing func withBytes(_ range: Range<Int>, _ body: (UnsafePointer<UInt8>) -> Void) {
    precondition(range.lowerBound >= 0 && range.upperBound <= count)
    unsafe body(base + range.lowerBound)
  }
}
