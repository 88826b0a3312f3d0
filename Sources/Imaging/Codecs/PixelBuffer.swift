import Glibc

/// Bytes on the heap; unlike an array's, a failed allocation is an error.
@safe struct PixelBuffer: ~Copyable {
  let count: Int
  // SAFETY: `count` bytes, owned by this value alone and freed with it.
  private let base: UnsafeMutablePointer<UInt8>

  /// Allocates zeroed bytes. Throws `outOfMemory`.
  init(count: Int) throws(ImagingError) {
    // SAFETY: calloc gives memory for at least one byte or null, which is checked.
    guard let memory = unsafe calloc(max(count, 1), 1) else { throw .outOfMemory }
    unsafe self.base = memory.assumingMemoryBound(to: UInt8.self)
    self.count = count
  }

  deinit { unsafe free(base) }

  /// Lends the bytes from the range's start on. A range beyond the buffer is a programmer's error.
  mutating func withMutableBytes<Failure: Error>(
    _ range: Range<Int>, _ body: (UnsafeMutablePointer<UInt8>) throws(Failure) -> Void
  ) throws(Failure) {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "range must lie in the buffer")
    try unsafe body(base + range.lowerBound)
  }

  /// Lends the bytes from the range's start on. A range beyond the buffer is a programmer's error.
  borrowing func withBytes(_ range: Range<Int>, _ body: (UnsafePointer<UInt8>) -> Void) {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "range must lie in the buffer")
    unsafe body(base + range.lowerBound)
  }
}
