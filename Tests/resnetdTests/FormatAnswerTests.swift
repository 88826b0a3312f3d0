import Foundation
import Imaging
import Testing

/// Answers to images of every format, and to what is no image, from the server with its decoders.
@Suite(.serialized) struct FormatAnswerTests {
  private static let fixtures =
    ProgramUnderTest.repository + "/Tests/ImagingTests/Fixtures/Formats/"

  private static func classify(
    _ server: ServerUnderTest, _ file: String
  ) async throws -> (status: Int, body: String) {
    try await server.curl("--data-binary", "@\(file)", server.address + "/classify")
  }

  @Test("A model with bands answers TIFFs of as many, and tells others what it takes")
  func bands() async throws {
    guard CodecVersions.areInstalled(for: .tiff) else { return }
    let folder = try TemporaryFolder()
    let labels = try folder.file("labels.txt", "a\nb\nc\nd\ne\n")
    let fixtures = ProgramUnderTest.repository + "/Tests/"
    let contract = #"""
      {"resize": {"rule": "exact", "height": 40, "width": 40}, "mean": [5400, 5500, 5600, 5700],
       "std": [2500, 2000, 1500, 3000], "range": 65535}
      """#
    let server = try await ServerUnderTest(options: [
      "--workers", "1", "--tune", "off", "--model", fixtures + "CheckpointTests/Fixtures/bands.pth",
      "--labels", labels.path, "--preprocess", contract,
    ])
    let images = fixtures + "ImagingTests/Fixtures/"
    let answer = try await Self.classify(server, images + "Bands/four-tiles-16-big.tif")
    #expect(answer.status == 200, "\(answer.body)")
    // The softmax of PyTorch's logits in bands.json.
    #expect(answer.body.contains(#""label":"a","probability":0.26"#), "\(answer.body)")
    for (image, reason) in [
      ("baseline-444.jpg", "the image has 3 channels that are colours, the model takes 4 bands"),
      ("Bands/thirteen-16.tif", "the image has 13 channels, the model takes 4 bands: send a TIFF"),
      ("Bands/four-8.tif", "the model does not accept 8-bit images; it takes 16 bits"),
      ("Bands/mask-last-16.tif", "the image has 4 channels, one of them marked as transparency"),
    ] {
      let refusal = try await Self.classify(server, images + image)
      #expect(refusal.status == 415 && refusal.body.contains("refused-image"), "\(refusal)")
      #expect(refusal.body.contains(reason), "\(refusal.body)")
    }
    #expect(try await Self.classify(server, images + "Bands/float.tif").status == 415)
    #expect(await server.stop() == 0)
  }

  @Test("Damaged and foreign files are refused without the loss of a decoder")
  func refusals() async throws {
    let server = try await ServerUnderTest(options: ["--workers", "1", "--tune", "off"])
    let folder = try TemporaryFolder()
    let file = folder.url.appendingPathComponent("image").path
    for name in ["palette.gif", "rle-8.bmp", "lzw.tif", "444.avif", "lossless.heic"] {
      let whole = try Data(contentsOf: URL(filePath: Self.fixtures + name))
      let found = ImageFormat(magicBytesOf: [UInt8](whole).span)
      let format = try #require(found)
      let isInstalled = CodecVersions.areInstalled(for: format)
      let complete = try await Self.classify(server, Self.fixtures + name)
      #expect(complete.status == (isInstalled ? 200 : 415), "\(name): \(complete.body)")
      try whole.prefix(whole.count * 3 / 4).write(to: URL(filePath: file))
      let cut = try await Self.classify(server, file)
      #expect(cut.status == (isInstalled ? 400 : 415), "\(name): \(cut.body)")
    }
    // libde265 prints what is wrong with this header.
    var damaged = try Data(contentsOf: URL(filePath: Self.fixtures + "lossless.heic"))
    let header = try #require(damaged.range(of: Data("hvcC".utf8)))
    damaged[header.lowerBound + 79] ^= 0x10
    try damaged.write(to: URL(filePath: file))
    let isInstalled = CodecVersions.areInstalled(for: .heic)
    #expect(try await Self.classify(server, file).status == (isInstalled ? 400 : 415))
    try Data("%PDF-1.7\n".utf8).write(to: URL(filePath: file))
    let answer = try await Self.classify(server, file)
    #expect(answer.status == 415 && answer.body.contains("unsupported-image"))
    #expect(answer.body.contains("the bytes are a PDF document; accepted are JPEG, PNG"))
    for reason in ["crashed", "killed"] {
      let metric = "resnetd_decoder_restarts_total{reason=\"\(reason)\"}"
      #expect(try await server.metric(metric) == 0)
    }
    #expect(await server.stop() == 0)
  }
}
