import CImageCodec

/// Fuzzes any bytes as a JPEG, decoded by libjpeg-turbo's decoder of Huffman codes and by
/// CImageCodec's own, at every scale: rows and errors must be the same.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzHuffmanCodes(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  guard let start = unsafe start, count > 0 else { return 0 }
  let bytes = unsafe UnsafeBufferPointer(start: start, count: count)
  for scale: UInt32 in [1, 2, 4, 8] {
    let library = unsafe Outcome(bytes, scale, IMAGE_CODEC_HUFFMAN_LIBRARY)
    let own = unsafe Outcome(bytes, scale, IMAGE_CODEC_HUFFMAN_OWN)
    precondition(library == own, "both decoders must give the same rows and errors")
  }
  return 0
}

/// What a reader gives of an image.
private struct Outcome: Equatable {
  /// Small enough that an input costs only a few milliseconds.
  private static let pixelCountLimit = 1 << 17

  var status = IMAGE_CODEC_STATUS_OK
  var message = [CChar](repeating: 0, count: Int(IMAGE_CODEC_MESSAGE_BYTE_COUNT))
  /// All rows that were read, one after the other.
  var pixels: [UInt8] = []

  init(_ bytes: UnsafeBufferPointer<UInt8>, _ scale: UInt32, _ choice: image_codec_huffman) {
    let capacity = message.count
    var header = image_codec_header()
    var opened: OpaquePointer?
    status = unsafe image_codec_reader_open(
      IMAGE_CODEC_FORMAT_JPEG, bytes.baseAddress!, bytes.count, &opened, &header, &message,
      capacity)
    guard status == IMAGE_CODEC_STATUS_OK, let reader = unsafe opened else { return }
    defer { unsafe image_codec_reader_close(reader) }
    guard Int(header.width) * Int(header.height) <= Self.pixelCountLimit else { return }
    unsafe image_codec_reader_choose_huffman(reader, choice)
    var columns = image_codec_columns(first: 0, count: (header.width + scale - 1) / scale)
    status = unsafe image_codec_reader_start(
      reader, scale, &columns, image_codec_backdrop(), &message, capacity)
    for _ in 0..<(header.height + scale - 1) / scale where status == IMAGE_CODEC_STATUS_OK {
      var row = [UInt8](repeating: 0, count: 3 * Int(columns.count))
      status = unsafe image_codec_reader_read_row(reader, &row, &message, capacity)
      if status == IMAGE_CODEC_STATUS_OK { pixels += row }
    }
    guard status == IMAGE_CODEC_STATUS_OK else { return }
    status = unsafe image_codec_reader_finish(reader, &message, capacity)
  }
}
