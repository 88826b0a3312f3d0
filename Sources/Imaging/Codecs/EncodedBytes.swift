/// Encoded bytes that are read by Swift, with every access checked.
@safe struct EncodedBytes {
  // SAFETY: the caller of `init` keeps the bytes in place; the subscript checks its index.
  private let bytes: UnsafeBufferPointer<UInt8>

  /// Borrows the bytes, which must stay in place for as long as this value is used.
  init(_ bytes: UnsafeBufferPointer<UInt8>) { unsafe self.bytes = bytes }

  var count: Int { unsafe bytes.count }

  subscript(index: Int) -> UInt8 {
    precondition(index >= 0 && index < count, "index must lie in the file")
    return unsafe bytes[index]
  }

  /// Lends the bytes of a range, which must lie in the file.
  func withBytes(in range: Range<Int>, _ body: (UnsafePointer<UInt8>) -> Void) {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "range must lie in the file")
    guard !range.isEmpty, let base = unsafe bytes.baseAddress else { return }
    unsafe body(base + range.lowerBound)
  }

  /// Returns a number of up to four bytes, the lowest first.
  func number(at offset: Int, _ byteCount: Int) -> Int {
    (0..<byteCount).reversed().reduce(0) { $0 << 8 | Int(self[offset + $1]) }
  }
}
