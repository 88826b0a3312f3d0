import Foundation
import HTTPCore
import HTTPServer
import Serving
import Testing

/// Pixels that count before anything is decoded.
struct StoredPixelsTests {
  private static let folder =
    URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "../../ImagingTests/Fixtures/Formats").standardized

  @Test(
    "The pixels of every format count towards the limit of a request",
    arguments: [
      ("palette.gif", 31 * 22), ("frame-outside.gif", 31 * 40), ("top-down.bmp", 21 * 13),
      ("os2-24.bmp", 21 * 13), ("rle-4.bmp", 11 * 6), ("lzw.tif", 37 * 23),
      ("big-endian.tif", 37 * 23), ("big.tif", 37 * 23), ("444.avif", 64 * 48),
      ("lossless.heic", 64 * 48),
    ])
  func pixels(file: String, count: Int) async throws {
    let image = try Data(contentsOf: Self.folder.appending(path: file))
    var limits = ServingLimits()
    // Two images fit, whose stored sides may be rounded up to whole blocks, and a third does not.
    limits.requestPixelCountLimit = count * 14 / 5
    let service = try TestService(limits: limits)
    let text = "\"\(image.base64EncodedString())\""
    let response = await service.answer(
      try Request(
        "POST", "/classify", [("Content-Type", "application/json")],
        body: Array("{\"images\": [\(text),\(text),\(text)]}".utf8)))
    let results = try #require(try response.json()["results"] as? [[String: Any]])
    let statuses = results.map { ($0["error"] as? [String: Any])?["status"] as? Int }
    // Without its library, an image that counts is refused as 415.
    #expect(statuses.prefix(2).allSatisfy { $0 == nil || $0 == 415 }, "\(statuses)")
    #expect(statuses.last == 413)
  }
}
