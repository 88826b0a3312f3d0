import CCompression

/// Decompresses bytes that are there as a whole, piece by piece.
@safe
package struct Decompression: ~Copyable {
  /// Bytes of a piece, 64 KiB.
  package static let pieceByteCount = 64 << 10

  private let decompression: OpaquePointer
  private var piece = [UInt8](repeating: 0, count: pieceByteCount)
  /// Bytes of the input that have been read.
  private var offset = 0
  private var isDone = false

  /// Returns the bytes of memory that it takes at most, its window included.
  package static func byteCount(_ format: CompressionFormat) -> Int {
    decompression_byte_count(format.code) + pieceByteCount
  }

  /// Lends the pieces in order, each of at most `pieceByteCount` bytes, until `body` throws or
  /// returns false.
  package static func pieces<Failure: Error>(
    of input: [UInt8], _ format: CompressionFormat,
    orThrow failure: (DecompressionFault) -> Failure,
    _ body: (ArraySlice<UInt8>) throws(Failure) -> Bool
  ) throws(Failure) {
    guard var decompression = Decompression(format) else { throw failure(.outOfMemory) }
    while !decompression.isDone {
      let byteCount: Int
      do throws(DecompressionFault) {
        byteCount = try decompression.step(input)
      } catch {
        throw failure(error)
      }
      guard try body(decompression.piece[..<byteCount]) else { return }
    }
  }

  /// Returns nil without memory.
  private init?(_ format: CompressionFormat) {
    guard let made = unsafe decompression_create(format.code) else { return nil }
    unsafe decompression = made
  }

  deinit { unsafe decompression_destroy(decompression) }

  /// Makes the next piece; returns its bytes.
  private mutating func step(_ input: [UInt8]) throws(DecompressionFault) -> Int {
    guard !input.isEmpty else { throw .truncated }
    var (written, read) = (0, offset)
    let status = unsafe input.withUnsafeBufferPointer { input in
      unsafe piece.withUnsafeMutableBufferPointer { piece in
        // SAFETY: neither buffer is empty; the step reads before the input's end and writes no more
        // than the piece has room for.
        unsafe decompression_step(
          decompression, input.baseAddress!, input.count, &read, piece.baseAddress!, piece.count,
          &written)
      }
    }
    offset = read
    switch status {
    case COMPRESSION_DONE: isDone = true
    case COMPRESSION_GOES_ON: break
    case COMPRESSION_TRUNCATED: throw .truncated
    case COMPRESSION_WINDOW: throw .window
    case COMPRESSION_TRAILING: throw .trailing
    case COMPRESSION_NO_MEMORY: throw .outOfMemory
    default:
      // SAFETY: a constant string that ends with NUL.
      throw .corrupt(unsafe String(cString: decompression_reason(decompression)))
    }
    return written
  }
}
