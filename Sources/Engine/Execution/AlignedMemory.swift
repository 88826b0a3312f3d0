import Glibc

/// Memory aligned to a cache line, which is also the widest vector register.
@safe
package final class AlignedMemory: Sendable {
  package static let alignment = 64
  /// Bytes from which on memory begins at a huge page: one TLB entry then covers 2 MiB.
  static let hugePageByteCount = 2 << 20

  // SAFETY: the owner of the memory decides who writes it: packed weights are written before they
  // are shared, and an arena belongs to one context.
  package nonisolated(unsafe) let base: UnsafeMutableRawPointer
  package let byteCount: Int

  /// - Parameter prefersHugePages: Whether the kernel is asked for huge pages where it gives them
  ///   only on demand: for memory that is used as a whole, again and again.
  package init(
    byteCount: Int, for purpose: String, prefersHugePages: Bool = false
  ) throws(EngineError) {
    let alignment = byteCount >= Self.hugePageByteCount ? Self.hugePageByteCount : Self.alignment
    var pointer: UnsafeMutableRawPointer?
    guard unsafe posix_memalign(&pointer, alignment, max(byteCount, Self.alignment)) == 0,
      let pointer = unsafe pointer
    else { throw .outOfMemory(doing: "\(purpose), \(byteCount) bytes") }
    // A kernel without them does as well, only slower.
    if prefersHugePages, byteCount >= Self.hugePageByteCount {
      unsafe madvise(pointer, byteCount, MADV_HUGEPAGE)
    }
    unsafe base = pointer
    self.byteCount = byteCount
  }

  deinit { unsafe free(base) }
}
