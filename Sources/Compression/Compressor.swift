import CCompression

/// Compresses bytes that are there as a whole.
package enum Compressor {
  /// Returns the bytes of memory that it takes at most beside input and output.
  package static func byteCount(_ format: CompressionFormat) -> Int {
    compression_byte_count(format.code)
  }

  /// Returns the bytes compressed; nil if they take more than `limit` bytes then, or there is no
  /// memory.
  package static func compress(
    _ input: [UInt8], _ format: CompressionFormat, limit: Int
  ) -> [UInt8]? {
    guard !input.isEmpty, limit > 0 else { return nil }
    var written = 0
    var status = COMPRESSION_DONE
    let output = unsafe [UInt8](unsafeUninitializedCapacity: limit) { output, count in
      status = unsafe input.withUnsafeBufferPointer { input in
        // SAFETY: neither buffer is empty; no more is written than there is room for.
        unsafe compression_compress(
          format.code, input.baseAddress!, input.count, output.baseAddress!, limit, &written)
      }
      count = status == COMPRESSION_DONE ? written : 0
    }
    return status == COMPRESSION_DONE ? output : nil
  }
}
