import Compression

/// Fuzzes any bytes as each format of compressed ones: what comes out comes in small pieces, and is
/// the same again once it is compressed.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzCompressed(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let input = unsafe [UInt8](UnsafeBufferPointer(start: start, count: count))
  for format in CompressionFormat.allCases {
    guard let plain = read(input, format), !plain.isEmpty else { continue }
    guard let again = Compressor.compress(plain, format, limit: 2 * plain.count + 64) else {
      preconditionFailure("any bytes can be compressed")
    }
    precondition(read(again, format) == plain, "other bytes the second time")
  }
  return 0
}

private enum Stop: Error { case fault, limit }

private func stop(_ fault: DecompressionFault) -> Stop { .fault }

private let plainByteLimit = 4 << 20

private func read(_ input: [UInt8], _ format: CompressionFormat) -> [UInt8]? {
  var plain: [UInt8] = []
  do throws(Stop) {
    try Decompression.pieces(of: input, format, orThrow: stop) { piece throws(Stop) in
      precondition(
        piece.count <= Decompression.pieceByteCount, "a piece must stay within its limit")
      plain += piece
      if plain.count > plainByteLimit { throw .limit }
    }
    return plain
  } catch {
    return nil
  }
}
