import Imaging
import Testing

/// What is no image says what it is.
struct ForeignContentTests {
  private static func content(_ bytes: [UInt8]) -> ForeignContent { ForeignContent(of: bytes.span) }

  private static func box(_ brand: String) -> [UInt8] {
    [0, 0, 0, 20] + Array("ftyp\(brand)".utf8) + [0, 0, 2, 0] + Array("isom".utf8)
      + [UInt8](repeating: 7, count: 40)
  }

  @Test(
    "Files that people send instead of an image are named",
    arguments: [
      ("%PDF-1.7\n%\u{e2}\u{e3}", .pdf), ("<?xml version=\"1.0\"?>\n<svg xmlns=\"…\"/>", .svg),
      ("\n<!DOCTYPE html>\n<html lang=\"en\">", .html), ("<?xml version=\"1.0\"?><a/>", .xml),
      ("{\"image\": \"…\"}", .json), ("[1, 2]", .json), ("hello, world\n", .text),
      ("8BPS\0\u{1}", .photoshop), ("/9j/4AAQSkZJRgABAQ", .base64),
      ("data:image/png;base64,iVBORw0KGgo", .dataURL), ("https://example.org/cat.jpg", .address),
      ("version https://git-lfs.github.com/spec/v1\n", .lfsPointer), ("P6\n3 2\n255\n", .netpbm),
      ("PK\u{3}\u{4}\u{14}\0", .zip), ("RIFF....WAVEfmt ", .audio), ("RIFF....AVI LIST", .avi),
      ("RIFF....WEBA", .riff), ("II*\0\u{10}\0\0\0CR\u{2}\0", .cameraRaw),
      ("FUJIFILMCCD-RAW 0201", .cameraRaw), ("qoif\0\0\0\u{1}", .qoi), ("\0\0\0\0\0", .zeros),
      ("", .nothing), ("MZ\u{90}", .program), ("BMW is a maker of cars.", .text),
    ] as [(String, ForeignContent)])
  func words(text: String, content: ForeignContent) {
    #expect(Self.content(Array(text.utf8)) == content)
    #expect(ImageFormat(magicBytesOf: Array(text.utf8).span) == nil)
  }

  @Test("Videos and raw files in boxes are named by their brand")
  func brands() {
    #expect(Self.content(Self.box("isom")) == .mp4)
    #expect(Self.content(Self.box("qt  ")) == .quickTime)
    for brand in ["mif3", "vvic"] { #expect(Self.content(Self.box(brand)) == .imageFile) }
    #expect(Self.content(Self.box("crx ")) == .cameraRaw)
    #expect(Self.content([0, 0, 0, 12] + Array("JXL \r\n".utf8) + [0x87, 0x0A]) == .jpegXL)
    #expect(Self.content([0, 0, 0, 12] + Array("jP  \r\n".utf8) + [0x87, 0x0A]) == .jpeg2000)
    #expect(Self.content([0x1F, 0x8B, 8, 0]) == .gzip)
    #expect(Self.content([0, 0, 1, 0, 1, 0]) == .icon)
    #expect(Self.content([0x0A, 5, 1, 8, 0, 0]) == .pcx)
    #expect(Self.content([0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1, 0]) == .office)
    // TGA has zeros where an icon has its number of images.
    #expect(Self.content([0, 0, 2, 0, 0, 0, 0, 0]) != .icon)
    #expect(Self.content([0xFF, 0xD8]) == .jpegLS)
    #expect(Self.content([1, 2, 3]) == .unknown)
    // Latin letters of another encoding, one byte of a longer character, and a sample that cuts one.
    #expect(Self.content(Array("caf".utf8) + [0xE9, 0x20, 0x20, 0x20, 0x20]) == .unknown)
    #expect(Self.content([0xC3]) == .text)
    #expect(Self.content(Array(String(repeating: "äx€", count: 200).utf8)) == .text)
  }

  @Test("A brand of images counts wherever it stands among the compatible ones")
  func compatibleBrands() {
    let generic =
      [0, 0, 0, 28] + Array("ftypmif1".utf8) + [0, 0, 0, 0] + Array("miafMiHBavif".utf8)
    #expect(ImageFormat(magicBytesOf: generic.span) == .avif)
    #expect(ImageFormat(magicBytesOf: Self.box("heix").span) == .heic)
    #expect(ImageFormat(magicBytesOf: Self.box("isom").span) == nil)
    // A length that ends inside the first brand, and one beyond the file.
    for length in [UInt8(0), 9, 255] {
      var cut = Self.box("avif")
      cut[3] = length
      #expect(ImageFormat(magicBytesOf: cut.span) == .avif)
    }
  }

  @Test("A refusal says what was found, what is accepted and what to do")
  func explanations() {
    for content in ForeignContent.allCases {
      let parts = content.explanation.split(separator: ";")
      #expect(parts.count >= 3, "\(content)")
      #expect(content.explanation.contains("JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF and HEIC"))
      // A decoder's message has room for a number, not for this sentence.
      #expect(!content.explanation.contains("\n"))
    }
    #expect(
      ImagingError.unsupportedFormat(.pdf).description
        == "the bytes are a PDF document; accepted are JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF and "
        + "HEIC images; render it to a PNG and send that")
  }
}
