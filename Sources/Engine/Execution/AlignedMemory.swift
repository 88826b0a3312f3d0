import Glibc

/// Memory aligned to a cache line, which is also the widest vector register.
@safe
package final class AlignedMemory: Sendable {
  package static let alignment = 64
  /// Bytes from which on the kernel is asked for huge pages: one TLB entry then covers 2 MiB.
  static let hugePageByteCount = 2 << 20

  // SAFETY: the owner of the memory decides who writes it: packed weights are written before they
  // are shared, and an arena belongs to one context.
  package nonisolated(unsafe) let base: UnsafeMutableRawPointer
  package let byteCount: Int

  package init(byteCount: Int, for purpose: String) throws(EngineError) {
    let alignment = byteCount >= Self.hugePageByteCount ? Self.hugePageByteCount : Self.alignment
    var pointer: UnsafeMutableRawPointer?
    guard unsafe posix_memalign(&pointer, alignment, max(byteCount, Self.alignment)) == 0,
      let pointer = unsafe pointer
    else { throw .outOfMemory(doing: "\(purpose), \(byteCount) bytes") }
    unsafe base = pointer
    self.byteCount = byteCount
  }

  deinit { unsafe free(base) }
}
