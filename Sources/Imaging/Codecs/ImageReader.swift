import CImageCodec

/// Decoder of one encoded image, row by row, on one thread.
@safe struct ImageReader: ~Copyable {
  let format: ImageFormat
  let header: image_codec_header
  /// Divisor of the stored sides that gives the decoded ones: 1, 2, 4 or 8.
  private var scaleDenominator = 1
  /// Columns of the decoded image that its rows hold; known once `start` has been called.
  private(set) var columns = 0..<0
  /// Converts the colours of rows as they are read.
  var profile: ColourProfile?
  /// Whether rows become grey, in all three channels.
  var isGrey = false
  /// Form of the rows that are read.
  var layout = PixelLayout.colours
  /// Whether the sample that is alpha is left out of bands.
  var dropsAlpha = false
  // SAFETY: an open reader of CImageCodec, owned by this value alone and closed with it. It borrows
  // the encoded bytes, which the caller of `init` keeps in place. Nil for a BMP.
  private let reader: OpaquePointer?
  private let bitmap: BitmapReader?

  /// Reads the header. The bytes must stay in place for as long as the reader lives.
  init(_ bytes: UnsafeBufferPointer<UInt8>) throws(ImagingError) {
    guard let format = unsafe ImageFormat(magicBytesOf: bytes.span) else {
      throw .unsupportedFormat(unsafe ForeignContent(of: bytes.span))
    }
    let bitmap = format == .bmp ? try unsafe BitmapReader(EncodedBytes(bytes)) : nil
    var header = bitmap?.header ?? image_codec_header()
    let reader =
      bitmap == nil ? try unsafe Self.open(format, bytes, header: &header) : nil
    self.format = format
    self.header = header
    self.bitmap = bitmap
    unsafe self.reader = reader
  }

  /// Opens a reader of CImageCodec, which the caller closes.
  private static func open(
    _ format: ImageFormat, _ bytes: UnsafeBufferPointer<UInt8>, header: inout image_codec_header
  ) throws(ImagingError) -> OpaquePointer {
    let code: image_codec_format =
      switch format {
      case .jpeg: IMAGE_CODEC_FORMAT_JPEG
      case .png: IMAGE_CODEC_FORMAT_PNG
      case .webp: IMAGE_CODEC_FORMAT_WEBP
      case .gif: IMAGE_CODEC_FORMAT_GIF
      case .tiff: IMAGE_CODEC_FORMAT_TIFF
      case .avif, .heic: IMAGE_CODEC_FORMAT_HEIF
      case .bmp: preconditionFailure("a BMP must be read by BitmapReader")
      }
    var opened: OpaquePointer?
    // SAFETY: the magic bytes were found, so the buffer is not empty and has a base address.
    try unsafe check(format) { message, count in
      unsafe image_codec_reader_open(
        code, bytes.baseAddress!, bytes.count, &opened, &header, message, count)
    }
    guard let opened = unsafe opened else {
      throw .corrupt(format: format, reason: "the codec returned no reader")
    }
    return unsafe opened
  }

  deinit {
    if let reader = unsafe reader { unsafe image_codec_reader_close(reader) }
  }

  /// Sides of the decoded image; a remaining fraction of a pixel counts as one.
  var width: Int { (Int(header.width) + scaleDenominator - 1) / scaleDenominator }
  var height: Int { (Int(header.height) + scaleDenominator - 1) / scaleDenominator }

  /// Takes the memory that decoding needs. `scaleDenominator` divides the sides: 1, or 2, 4 or 8 if
  /// the header says that the image is scalable. Sets `columns` to those that rows will hold: the
  /// wanted ones or more.
  mutating func start(
    scaleDenominator: Int, wanting wanted: Range<Int>, _ backdrop: image_codec_backdrop
  ) throws(ImagingError) {
    self.scaleDenominator = scaleDenominator
    precondition(
      !wanted.isEmpty && wanted.lowerBound >= 0 && wanted.upperBound <= width,
      "wanted must be columns of the image")
    guard let reader = unsafe reader else {
      try bitmap?.start(backdrop)
      columns = 0..<width
      return
    }
    var held = image_codec_columns(first: UInt32(wanted.lowerBound), count: UInt32(wanted.count))
    try unsafe Self.check(format) { message, count in
      unsafe image_codec_reader_start(
        reader, UInt32(scaleDenominator), &held, backdrop, message, count)
    }
    columns = Int(held.first)..<Int(held.first) + Int(held.count)
  }

  /// Writes the next row to `row`, which has room for `columns.count` pixels of the layout.
  mutating func readRow(_ row: UnsafeMutablePointer<UInt8>) throws(ImagingError) {
    if let reader = unsafe reader {
      guard layout == .colours else {
        let skipped = dropsAlpha ? CInt(header.alpha_band) : -1
        return try unsafe Self.check(format) { message, count in
          unsafe image_codec_reader_read_samples(reader, skipped, row, message, count)
        }
      }
      try unsafe Self.check(format) { message, count in
        unsafe image_codec_reader_read_row(reader, row, message, count)
      }
    } else {
      try unsafe bitmap?.readRow(row)
    }
    unsafe profile?.convert(row, count: columns.count)
    if isGrey { unsafe Luma.convert(row, count: columns.count) }
  }

  /// Checks the bytes after the last row.
  mutating func finish() throws(ImagingError) {
    guard let reader = unsafe reader else { return }
    try unsafe Self.check(format) { message, count in
      unsafe image_codec_reader_finish(reader, message, count)
    }
  }

  /// Calls CImageCodec with a buffer for its message, and throws the error that it reports.
  private static func check(
    _ format: ImageFormat,
    _ call: (UnsafeMutablePointer<CChar>, Int) -> image_codec_status
  ) throws(ImagingError) {
    var reason = ""
    let capacity = Int(IMAGE_CODEC_MESSAGE_BYTE_COUNT)
    // SAFETY: CImageCodec writes at most `capacity` bytes and ends them with a zero when it fails.
    let status = unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: capacity) {
      buffer in
      unsafe buffer.initialize(repeating: 0)
      let status = unsafe call(buffer.baseAddress!, capacity)
      if status != IMAGE_CODEC_STATUS_OK {
        reason = unsafe String(cString: buffer.baseAddress!)
      }
      return status
    }
    switch status {
    case IMAGE_CODEC_STATUS_OK: return
    case IMAGE_CODEC_STATUS_TRUNCATED: throw .truncated(format: format)
    case IMAGE_CODEC_STATUS_UNSUPPORTED:
      throw .unsupportedFeature(format: format, reason: reason)
    case IMAGE_CODEC_STATUS_OUT_OF_MEMORY: throw .outOfMemory
    default: throw .corrupt(format: format, reason: reason)
    }
  }
}
