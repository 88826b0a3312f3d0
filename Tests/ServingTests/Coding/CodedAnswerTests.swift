import Checkpoint
import Compression
import Foundation
import HTTPCore
import Inference
import Serving
import Testing

/// Compressed answers.
@Suite struct CodedAnswerTests {
  @Test(
    "The coding that a client likes best is chosen by its weights",
    arguments: [
      (nil, nil), ("", nil), ("gzip", .gzip), ("x-gzip", .gzip), ("deflate", .deflate),
      ("GZIP ; Q=0.5", .gzip), ("gzip, deflate, br", .gzip), ("gzip, deflate, br, zstd", .zstd),
      ("zstd;q=0.5, gzip;q=0.8", .gzip), ("gzip;q=0", nil), ("*", .zstd), ("*;q=0", nil),
      ("zstd;q=0, *", .gzip), ("identity, gzip;q=0.5", nil), ("identity;q=0.5, gzip", .gzip),
      ("identity;q=0", nil), ("br", nil), ("gzip;q=2", nil), ("gzip;q=0.1234", nil),
      ("gzip;q=x, deflate;q=0.001", .deflate), ("gzip;level=1", nil), (";;, gzip", .gzip),
    ] as [(String?, ContentCoding?)])
  func negotiation(field: String?, coding: ContentCoding?) {
    let fields = HeaderFields(field.map { [("Accept-Encoding", $0)] } ?? [])
    #expect(ContentCoding.wanted(by: fields) == coding)
  }

  private func same(_ fault: DecompressionFault) -> DecompressionFault { fault }

  private func plain(_ response: Response) throws -> [UInt8] {
    let format: CompressionFormat
    switch response.fields["Content-Encoding"] {
    case "gzip": format = .gzip
    case "deflate": format = .zlib
    case "zstd": format = .zstd
    default: return response.body
    }
    var plain: [UInt8] = []
    try Decompression.pieces(of: response.body, format, orThrow: same) {
      (piece) throws(DecompressionFault) in
      plain += piece
      return true
    }
    return plain
  }

  @Test("Large answers are compressed, small ones go as they are")
  func classifications() async throws {
    let service = try TestService()
    let image = Data(try goldenImage().encodedImage).base64EncodedString()
    func ask(_ count: Int, _ accepted: String?) async throws -> Response {
      let images = (0..<count).map { _ in "\"\(image)\"" }.joined(separator: ",")
      return await service.answer(
        try Request(
          "POST", "/classify", accepted.map { [("Accept-Encoding", $0)] } ?? [],
          body: Array(#"{"images": [\#(images)]}"#.utf8)))
    }
    let wanted = try await ask(8, nil)
    #expect(wanted.status == 200 && wanted.fields["Content-Encoding"] == nil)
    #expect(wanted.fields["Vary"] == "Accept-Encoding")
    for coding in ["gzip", "deflate", "zstd"] {
      let answer = try await ask(8, coding)
      #expect(answer.fields["Content-Encoding"] == coding)
      #expect(answer.fields["Vary"] == "Accept-Encoding")
      #expect(answer.body.count < wanted.body.count / 2)
      #expect(try plain(answer) == wanted.body)
      let small = try await ask(1, coding)
      #expect(small.fields["Content-Encoding"] == nil && small.fields["Vary"] == nil)
    }
  }

  @Test(
    "Pages and descriptions are compressed, with tags of their own", arguments: ["GET", "HEAD"])
  func descriptions(method: String) async throws {
    // Its 200 labels are worth it.
    let service = try TestService(
      first: CompiledModel(
        Model.embedded(.tinyImageNet), plan: CPUPlan(workers: 1, threads: 1, maxBatch: 1)))
    func ask(_ target: String, _ fields: [(String, String)]) async throws -> Response {
      await service.answer(try Request(method, target, fields))
    }
    for target in ["/openapi.json", "/model"] {
      let wanted = try await ask(target, [])
      #expect(wanted.fields["Vary"] == "Accept-Encoding", "\(target)")
      for _ in 1...2 {
        let answer = try await ask(target, [("Accept-Encoding", "gzip, deflate")])
        #expect(answer.status == 200 && answer.fields["Content-Encoding"] == "gzip")
        #expect(answer.fields["Content-Type"] == wanted.fields["Content-Type"])
        #expect(try plain(answer) == wanted.body)
      }
    }
    let tag = try #require(try await ask("/model", []).fields["ETag"])
    let coded = try await ask("/model", [("Accept-Encoding", "zstd")])
    #expect(coded.fields["ETag"] == "W/" + tag)
    for known in [tag, "W/" + tag] {
      let answer = try await ask("/model", [("If-None-Match", known), ("Accept-Encoding", "zstd")])
      #expect(answer.status == 304 && answer.body.isEmpty)
      #expect(answer.fields["ETag"] == "W/" + tag && answer.fields["Vary"] == "Accept-Encoding")
      #expect(answer.fields["Content-Encoding"] == nil)
      #expect(try await ask("/model", [("If-None-Match", known)]).fields["ETag"] == tag)
    }
    // Nothing is worth it there, and scrapers ask often; in pages it would look like BREACH.
    for target in ["/metrics", "/"] {
      let answer = try await ask(target, [("Accept-Encoding", "gzip")])
      #expect(answer.status == 200 && answer.fields["Content-Encoding"] == nil)
    }
  }
}
