import Checkpoint
import Compression
import Foundation
import HTTPCore
import HTTPServer
import Machine
import Serving
import Testing

/// Compressed bodies of requests.
@Suite struct ContentCodingTests {
  private func compressed(_ bytes: [UInt8], _ format: CompressionFormat) throws -> [UInt8] {
    try #require(Compressor.compress(bytes, format, limit: bytes.count + 1024))
  }

  private static let codings: [(name: String, format: CompressionFormat)] = [
    ("gzip", .gzip), ("X-GZIP", .gzip), ("identity, gzip", .gzip), ("deflate", .zlib),
    ("zstd", .zstd),
  ]

  @Test("Compressed images are answered as they are", arguments: codings)
  func images(name: String, format: CompressionFormat) async throws {
    let service = try TestService()
    let image = try goldenImage().encodedImage
    let base64 = Data(image).base64EncodedString()
    let head = "--b\r\nContent-Disposition: form-data; filename=x; name=x\r\n\r\n"
    let inference =
      #"{"inputs":[{"name":"image","datatype":"BYTES","shape":[1],"parameters":"#
      + #"{"binary_data_size":\#(image.count + 4)}}]}"#
    let size = UInt32(image.count)
    let element = (0..<4).map { UInt8(truncatingIfNeeded: size >> (8 * UInt32($0))) } + image
    let cases: [(target: String, fields: [(String, String)], body: [UInt8])] = [
      ("/classify", [], image),
      (
        "/classify", [("Content-Type", "application/json")], Array(#"{"image": "\#(base64)"}"#.utf8)
      ),
      (
        "/classify", [("Content-Type", "multipart/form-data; boundary=b")],
        Array(head.utf8) + image + Array("\r\n--b--".utf8)
      ),
      ("/predictions/resnet20-cifar10", [], image),
      (
        "/v2/models/resnet20-cifar10/infer",
        [("Inference-Header-Content-Length", "\(inference.utf8.count)")],
        Array(inference.utf8) + element
      ),
    ]
    for item in cases {
      let plain = await service.answer(
        try Request("POST", item.target, item.fields, body: item.body))
      let coded = await service.answer(
        try Request(
          "POST", item.target, item.fields + [("Content-Encoding", name)],
          body: try compressed(item.body, format)))
      #expect(plain.status == 200 && coded.status == 200, "\(item.target)")
      #expect(coded.body == plain.body)
    }
    service.pool.close()
    #expect(service.context.memory.usedByteCount(for: .bodies) == 0)
  }

  @Test("Codings that are not read are refused at the head, with those that are")
  func refusals() throws {
    let service = try TestService().service
    for coding in ["br", "compress", "gzip, gzip", "zstd, identity, gzip", "gzip;q=1", "\"gzip\""] {
      let head = try Request("POST", "/classify", [("Content-Encoding", coding)]).head
      guard case .answer(let answer) = service.receive(head) else {
        Issue.record("\(coding) is read")
        continue
      }
      #expect(answer.status == 415 && answer.fields["Accept-Encoding"] == "zstd, gzip, deflate")
      #expect(try answer.problemKind() == "unsupported-encoding")
    }
  }

  @Test("Bytes that are not what they are said to be are refused with the reason")
  func malformed() async throws {
    let service = try TestService()
    let image = try goldenImage().encodedImage
    let (gzip, zlib) = (try compressed(image, .gzip), try compressed(image, .zlib))
    let zstd = try compressed(image, .zstd)
    let cases: [(coding: String, body: [UInt8], words: String)] = [
      ("gzip", image, "incorrect header check"), ("gzip", zlib, "incorrect header check"),
      ("deflate", gzip, "deflate is the format of zlib"), ("zstd", image, "incorrect header check"),
      ("gzip", Array(gzip.dropLast()), "end too early"), ("zstd", Array(zstd.dropLast()), "early"),
      ("gzip", gzip + [0], "other bytes follow"), ("deflate", zlib + zlib, "other bytes follow"),
      (
        "zstd", [0x28, 0xb5, 0x2f, 0xfd, 0, 14 << 3, 9, 0, 0, 0x61],
        "window is larger than 8 MiB"
      ),
    ]
    for item in cases {
      let answer = await service.answer(
        try Request("POST", "/classify", [("Content-Encoding", item.coding)], body: item.body))
      #expect(answer.status == 400, "\(item.coding) \(item.words)")
      #expect(try answer.problemKind() == "malformed-encoding")
      let detail = try #require(try answer.json()["detail"] as? String)
      #expect(detail.contains("Content-Encoding \(item.coding)") && detail.contains(item.words))
    }
    let empty = await service.answer(
      try Request("POST", "/classify", [("Content-Encoding", "gzip")]))
    #expect(try empty.status == 400 && empty.problemKind() == "malformed-body")
  }

  @Test("What comes out has the limit of a body and a place in memory first")
  func bombs() async throws {
    var limits = ServingLimits()
    limits.bodyByteLimit = 1 << 20
    let memory = MemoryBudget(byteCount: 64 << 20)
    let service = try TestService(limits: limits, memory: memory)
    func ask(_ coding: String, _ format: CompressionFormat, _ count: Int) async throws -> Response {
      let body = try compressed([UInt8](repeating: 0, count: count), format)
      return await service.answer(
        try Request("POST", "/classify", [("Content-Encoding", coding)], body: body))
    }
    do {
      // Room for the first pieces of gzip, and not for the window of zstd.
      let taken = try #require(memory.reserve(memory.freeByteCount - (200 << 10)))
      for (coding, format) in [("gzip", CompressionFormat.gzip), ("zstd", .zstd)] {
        let answer = try await ask(coding, format, 1 << 20)
        #expect(answer.status == 503 && answer.fields["Retry-After"] == "1")
        #expect(try answer.problemKind() == "overloaded")
      }
      #expect(taken.byteCount > 0)
    }
    for (coding, format) in [("gzip", CompressionFormat.gzip), ("deflate", .zlib), ("zstd", .zstd)]
    {
      let whole = try await ask(coding, format, limits.bodyByteLimit)
      #expect(whole.status == 415, "\(coding)")
      let more = try await ask(coding, format, limits.bodyByteLimit + 1)
      #expect(more.status == 413)
      #expect(try more.problemKind() == "body-too-large")
    }
    service.pool.close()
    #expect(memory.usedByteCount(for: .bodies) == 0)
  }

  @Test("Of a body of which much comes out no more is decompressed than tells that")
  func longBodies() throws {
    let bodies = BodyMemory(MemoryBudget(byteCount: 1 << 30))
    for (coding, format) in [
      (ContentCoding.gzip, CompressionFormat.gzip), (.deflate, .zlib), (.zstd, .zstd),
    ] {
      // Far beyond the limit, which would be told if it were reached.
      let coded = CodedBody(coding: coding, byteLimit: 1 << 20, bodies: bodies)
      let bomb = try compressed([UInt8](repeating: 0, count: 16 << 20), format)
      #expect(try coded.plainIfShort(bomb) == nil)
      let short = [UInt8](repeating: 7, count: CodedBody.longPlainByteCount)
      try withExtendedLifetime(coded.plainIfShort(compressed(short, format))) { plain in
        #expect(plain?.bytes == short)
        #expect(bodies.heldByteCount >= short.count)
      }
      #expect(try coded.plainIfShort(compressed(short + [7], format)) == nil)
    }
    #expect(bodies.heldByteCount == 0)
  }
}
