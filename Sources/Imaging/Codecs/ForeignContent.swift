import Words

/// Bytes that are no image in a format that is decoded, told apart by their first ones.
///
/// For the words of a refusal alone: nothing is decoded by it. A name is sent from one process to
/// another by its place among all cases.
package enum ForeignContent: String, Sendable, Hashable, CaseIterable {
  case nothing = "the image is empty: it has no bytes"
  case zeros = "the bytes are all zero, as of a file whose transfer or disk failed"
  case pdf = "the bytes are a PDF document"
  case postScript = "the bytes are a PostScript document"
  case svg = "the bytes are an SVG drawing"
  case html = "the bytes are an HTML page, as a server sends that has an error or asks to log in"
  case xml = "the bytes are an XML document"
  case json = "the bytes are JSON"
  case dataURL = "the bytes are a data URL"
  case base64 = "the bytes are the base64 text of an image"
  case address = "the bytes are the address of a file, which is not fetched"
  case lfsPointer = "the bytes are a pointer of Git LFS, not the file that it stands for"
  case text = "the bytes are text"
  case imageFile =
    "the bytes are an image in a HEIF file, but neither HEIC nor AVIF, or in HEIF's short form (mif3)"
  case mp4 = "the bytes are an MP4 video"
  case quickTime = "the bytes are a QuickTime video (MOV)"
  case matroska = "the bytes are a WebM or Matroska video"
  case avi = "the bytes are an AVI video"
  case mpeg = "the bytes are an MPEG video"
  case audio = "the bytes are sound"
  case photoshop = "the bytes are a Photoshop document (PSD)"
  case icon = "the bytes are a Windows icon or cursor (ICO, CUR)"
  case macIcon = "the bytes are a macOS icon (ICNS)"
  case jpeg2000 = "the bytes are a JPEG 2000 image"
  case jpegXL = "the bytes are a JPEG XL image"
  case jpegXR = "the bytes are a JPEG XR image"
  case jpegLS = "the bytes end right after the start of a JPEG"
  case cameraRaw = "the bytes are a camera's raw file (CR2, CR3, RAF, ORF or RW2)"
  case netpbm = "the bytes are a Netpbm image (PBM, PGM, PPM, PAM or PFM)"
  case openEXR = "the bytes are an OpenEXR image"
  case radiance = "the bytes are a Radiance image (HDR)"
  case directDraw = "the bytes are a DirectDraw surface (DDS)"
  case qoi = "the bytes are a QOI image"
  case bpg = "the bytes are a BPG image"
  case flif = "the bytes are a FLIF image"
  case xcf = "the bytes are a GIMP document (XCF)"
  case pcx = "the bytes are a PCX image"
  case office = "the bytes are a Microsoft Office document of the older form (DOC, XLS, PPT, MSG)"
  case metafile = "the bytes are a Windows metafile (EMF, WMF)"
  case dicom = "the bytes are a DICOM file"
  case fits = "the bytes are a FITS file"
  case gzip = "the bytes are compressed by gzip"
  case zstandard = "the bytes are compressed by Zstandard"
  case xz = "the bytes are compressed by xz"
  case bzip2 = "the bytes are compressed by bzip2"
  case zip = "the bytes are a zip archive or an Office document"
  case tar = "the bytes are a tar archive"
  case rar = "the bytes are a RAR or 7-Zip archive"
  case array = "the bytes are an array of NumPy (.npy)"
  case hdf5 = "the bytes are an HDF5 file"
  case program = "the bytes are a program"
  case riff = "the bytes are a RIFF file that is not WebP"
  case unknown = "the bytes are in no format that is known here"

  /// Sentence of a refusal: what was found, what is accepted, what to do.
  package var explanation: String {
    "\(rawValue); accepted are \(ImageFormat.list("and")) images; \(remedy)"
  }

  private var remedy: String {
    switch self {
    case .nothing, .zeros, .jpegLS: "check how the file was read, and send it again"
    case .pdf, .postScript, .svg, .metafile: "render it to a PNG and send that"
    case .office: "save the image that it holds as a file and send that"
    case .html, .lfsPointer: "fetch the image itself and send its bytes"
    case .address: "fetch it and send its bytes"
    case .json: "send it to /classify as application/json with the image in base64, or its bytes"
    case .dataURL, .base64: "decode it first, or send it inside JSON"
    case .xml, .text, .program, .array, .hdf5, .unknown: "send the bytes of an image file"
    case .mp4, .quickTime, .matroska, .avi, .mpeg: "send one frame of it as a JPEG"
    case .audio, .riff: "send the bytes of an image file"
    case .cameraRaw: "develop it, or send the JPEG that the camera saved beside it"
    case .gzip, .zstandard, .xz, .bzip2, .zip, .tar, .rar: "unpack it and send the image"
    case .imageFile, .photoshop, .icon, .macIcon, .jpeg2000, .jpegXL, .jpegXR, .netpbm, .openEXR,
      .radiance,
      .directDraw, .qoi, .bpg, .flif, .xcf, .pcx, .dicom, .fits:
      "convert it to JPEG or PNG"
    }
  }

  /// Bytes at an offset that tell a format, the longer and surer ones first.
  private static let marks: [(offset: Int, bytes: [UInt8], content: ForeignContent)] = [
    (0, [0, 0, 0, 12, 0x6A, 0x50, 0x20, 0x20], .jpeg2000),
    (0, [0xFF, 0x4F, 0xFF, 0x51], .jpeg2000),
    (0, [0, 0, 0, 12, 0x4A, 0x58, 0x4C, 0x20], .jpegXL), (0, [0xFF, 0x0A], .jpegXL),
    (0, [0x49, 0x49, 0xBC], .jpegXR), (0, [0x1F, 0x8B], .gzip),
    (0, [0x28, 0xB5, 0x2F, 0xFD], .zstandard), (0, [0xFD, 0x37, 0x7A, 0x58, 0x5A], .xz),
    (0, [0x37, 0x7A, 0xBC, 0xAF], .rar), (0, [0x1A, 0x45, 0xDF, 0xA3], .matroska),
    (0, [0, 0, 1, 0xBA], .mpeg), (0, [0, 0, 1, 0xB3], .mpeg), (0, [0, 0, 1, 0], .icon),
    (0, [0, 0, 2, 0], .icon), (0, [0x76, 0x2F, 0x31, 0x01], .openEXR),
    (0, [0x42, 0x50, 0x47, 0xFB], .bpg), (0, [0xD7, 0xCD, 0xC6, 0x9A], .metafile),
    (40, Array(" EMF".utf8), .metafile), (0, [0x93] + Array("NUMPY".utf8), .array),
    (0, [0x89] + Array("HDF\r\n".utf8), .hdf5), (0, [0x7F] + Array("ELF".utf8), .program),
    (0, [0xFF, 0xFB], .audio), (0, [0xFF, 0xF3], .audio),
    (0, [0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1], .office),
    (0, [0x0A, 0, 1], .pcx), (0, [0x0A, 2, 1], .pcx), (0, [0x0A, 3, 1], .pcx),
    (0, [0x0A, 4, 1], .pcx), (0, [0x0A, 5, 1], .pcx),
  ]

  /// The same in letters.
  private static let words: [(offset: Int, text: String, content: ForeignContent)] = [
    (0, "%PDF-", .pdf), (0, "%!PS", .postScript), (0, "8BPS", .photoshop), (0, "icns", .macIcon),
    (8, "CR", .cameraRaw), (0, "FUJIFILMCCD-RAW", .cameraRaw), (0, "IIRO", .cameraRaw),
    (0, "IIRS", .cameraRaw), (0, "IIU\0", .cameraRaw), (0, "#?RADIANCE", .radiance),
    (0, "DDS ", .directDraw), (0, "qoif", .qoi), (0, "FLIF", .flif), (0, "gimp xcf", .xcf),
    (128, "DICM", .dicom), (0, "SIMPLE  =", .fits), (0, "BZh", .bzip2), (0, "PK\u{3}\u{4}", .zip),
    (0, "PK\u{5}\u{6}", .zip), (257, "ustar", .tar), (0, "Rar!", .rar), (0, "MZ", .program),
    (0, "ID3", .audio), (0, "OggS", .audio), (0, "fLaC", .audio), (8, "AVI ", .avi),
    (8, "WAVE", .audio), (0, "RIFF", .riff), (4, "moov", .quickTime), (4, "mdat", .quickTime),
    (4, "wide", .quickTime), (4, "free", .quickTime),
    (0, "version https://git-lfs", .lfsPointer), (0, "data:", .dataURL), (0, "/9j/", .base64),
    (0, "iVBORw0KGgo", .base64), (0, "UklGR", .base64), (0, "R0lGOD", .base64),
    (0, "http://", .address), (0, "https://", .address), (0, "s3://", .address),
  ]

  /// Says what bytes are that `ImageFormat` does not recognise.
  package init(of encoded: Span<UInt8>) {
    self =
      Self.container(encoded) ?? Self.marked(encoded) ?? Self.written(encoded) ?? .unknown
  }

  /// Brands of files of images that are coded otherwise than in HEIC and AVIF (ISO/IEC 23008-12,
  /// annexes E to L), and of the short form.
  private static let imageBrands: Set<String> = [
    "mif2", "mif3", "jpeg", "jpgs", "j2ki", "j2is", "avci", "avcs", "vvic", "vvis", "evbi", "evbs",
    "unif",
  ]

  /// What the brands of an `ftyp` box, or the lack of any byte, say.
  private static func container(_ encoded: Span<UInt8>) -> ForeignContent? {
    guard !encoded.isEmpty else { return .nothing }
    let brands = encoded.brands
    guard let brand = brands.first else { return nil }
    switch brand {
    case "qt  ": return .quickTime
    case "crx ": return .cameraRaw
    case "jp2 ", "jpx ": return .jpeg2000
    case "M4A ": return .audio
    case _ where !imageBrands.isDisjoint(with: brands): return .imageFile
    default: return .mp4
    }
  }

  private static func marked(_ encoded: Span<UInt8>) -> ForeignContent? {
    for (offset, text, content) in words where encoded.starts(with: text, at: offset) {
      // The letters alone are too few, unless they follow the start of a TIFF.
      if offset == 8, text == "CR", !encoded.starts(with: "II*\0") { continue }
      return content
    }
    for (offset, bytes, content) in marks where encoded.starts(with: bytes, at: offset) {
      // Without an image in it, it is another format with zeros: TGA.
      if content == .icon, encoded.count < 6 || (encoded[4] == 0 && encoded[5] == 0) { continue }
      return content
    }
    if encoded.count >= 3, encoded[0] == UInt8(ascii: "P"), encoded[2] <= 0x20,
      "1234567Ff".utf8.contains(encoded[1])
    {
      return .netpbm
    }
    return encoded.count <= 3 && encoded.starts(with: [0xFF]) ? .jpegLS : nil
  }

  /// Bytes that are looked at to tell text and zeros.
  private static let sampleByteCount = 512

  /// What text is; nil if it is none.
  private static func written(_ encoded: Span<UInt8>) -> ForeignContent? {
    let sample = (0..<min(encoded.count, sampleByteCount)).map { encoded[$0] }
    if sample.allSatisfy({ $0 == 0 }) { return .zeros }
    guard sample.allSatisfy({ $0 >= 0x20 || [9, 10, 13, 0x1B].contains($0) }) else { return nil }
    let text = String(decoding: sample, as: UTF8.self).lowercased()
    // The last character may be cut; any other that is not UTF-8 is no text.
    guard !text.unicodeScalars.dropLast(3).contains("\u{FFFD}") else { return nil }
    let start = text.drop { $0.isWhitespace || $0 == "\u{FEFF}" }
    if text.containsText("<svg") { return .svg }
    if start.hasPrefix("<!doctype html") || text.containsText("<html") { return .html }
    if start.hasPrefix("<") { return .xml }
    if start.hasPrefix("{") || start.hasPrefix("[") { return .json }
    return .text
  }
}
