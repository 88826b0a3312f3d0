import HTTPCore
import Testing

struct MultipartTests {
  private static let disposition = "Content-Disposition: form-data; name=\"image\""

  private static func parts(
    _ body: String, boundary: String = "b", partCountLimit: Int = 4
  ) throws -> [[String?]] {
    let bytes = Array(body.utf8)
    let type = try #require(MediaType("multipart/form-data; boundary=\(boundary)"))
    return try Multipart.parse(bytes, type, partCountLimit: partCountLimit).map { part in
      [
        part.name, part.filename, part.contentType,
        String(decoding: bytes[part.range], as: UTF8.self),
      ]
    }
  }

  @Test(
    "Parts lie between the boundary's lines",
    arguments: [
      ("--b\r\n\(disposition)\r\n\r\nx\r\n--b--\r\n", ["x"]),
      ("--b\r\n\(disposition)\r\n\r\n\r\n--b--", [""]),
      ("preamble\r\n--b\r\n\(disposition)\r\n\r\nx\r\n--b--\r\nepilogue\r\n--b\r\n", ["x"]),
      (
        "--b \t\r\n\(disposition)\r\n\r\nx\r\n--b \r\n\(disposition)\r\n\r\ny\r\n--b--", ["x", "y"]
      ),
      ("--b\r\n\(disposition)\r\n\r\nx--b\n--b\r\r\n-b\r\n--b--", ["x--b\n--b\r\r\n-b"]),
      ("--b--", []),
    ])
  func content(body: String, contents: [String]) throws {
    #expect(try Self.parts(body).map { $0[3] } == contents)
  }

  @Test("A part has its names and its type")
  func names() throws {
    let body =
      "--b\r\ncontent-type: image/png\r\nContent-Disposition:form-data;filename=\"a \\\"b\\\".png\";"
      + "name=c\r\n\r\nx\r\n--b--\r\n"
    #expect(try Self.parts(body) == [["c", "a \"b\".png", "image/png", "x"]])
  }

  @Test("The boundary may be quoted")
  func quotedBoundary() throws {
    let body = "--a b:c\r\n\(Self.disposition)\r\n\r\nx\r\n--a b:c--\r\n"
    #expect(try Self.parts(body, boundary: "\"a b:c\"").count == 1)
  }

  @Test(
    "A body that does not follow its boundary is malformed",
    arguments: [
      "", "--", "--c--", "x--b--", "--b", "--b\r\n", "--bx\r\n\(disposition)\r\n\r\nx\r\n--b--",
      "--b\r\n\(disposition)\r\n\r\nx", "--b\r\n\(disposition)\r\n\r\nx\r\n",
      "--b\r\n\(disposition)\r\n\r\nx\n--b--", "--b\r\n--b--", "--b\r\n\(disposition)\r\n--b--",
      "--b\r\n\r\nx\r\n--b--", "--b\r\n\(disposition)\nX: y\r\n\r\nx\r\n--b--",
      "--b\r\nno colon\r\n\r\nx\r\n--b--",
      "--b\r\nContent-Disposition: attachment; name=a\r\n\r\nx\r\n--b--",
      "--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--",
      "--b\r\nX: \(String(repeating: "x", count: 5000))\r\n\(disposition)\r\n\r\nx\r\n--b--",
    ])
  func malformed(body: String) {
    #expect {
      try Self.parts(body)
    } throws: { error in
      if case Multipart.Failure.malformed = error { true } else { false }
    }
  }

  @Test(
    "What is wrong comes with what is expected",
    arguments: [
      ("--c--", "no line of the body begins with --b, as Content-Type says"),
      ("--bx\r\n", "followed by other text than -- or a line end; let the HTTP library"),
      ("--b\r\nX: y", "the closing boundary, --b--, is missing; send the whole body"),
      ("--b\r\nno colon\r\n\r\nx\r\n--b--", "write Content-Disposition: form-data; name="),
      ("--b\r\n\r\nx\r\n--b--", "has no form-data name; write Content-Disposition"),
      ("--b\r\n--b--", "longer than 4096 bytes; end its lines by CR LF"),
    ])
  func reasons(body: String, words: String) {
    #expect {
      try Self.parts(body)
    } throws: { error in
      guard case Multipart.Failure.malformed(let reason) = error else { return false }
      return reason.contains(words)
    }
  }

  @Test("A body cut anywhere before its end is malformed")
  func truncated() {
    let body = "--b\r\n\(Self.disposition)\r\n\r\nx\r\n--b--"
    for count in 0..<body.utf8.count {
      #expect(throws: Multipart.Failure.self, "\(count) bytes") {
        try Self.parts(String(decoding: Array(body.utf8)[..<count], as: UTF8.self))
      }
    }
  }

  @Test("Parts are counted")
  func partLimit() throws {
    let body =
      String(repeating: "--b\r\n\(Self.disposition)\r\n\r\nx\r\n", count: 3) + "--b--"
    #expect(try Self.parts(body, partCountLimit: 3).count == 3)
    #expect(throws: Multipart.Failure.tooManyParts(limit: 2)) {
      try Self.parts(body, partCountLimit: 2)
    }
  }

  @Test(
    "A boundary has 1 to 70 bytes",
    arguments: ["a/b", "a/b; boundary=\"\"", "a/b; boundary=\(String(repeating: "b", count: 71))"])
  func boundaryLength(text: String) throws {
    let type = try #require(MediaType(text))
    #expect {
      try Multipart.parse(Array("--b--".utf8), type, partCountLimit: 1)
    } throws: { error in
      guard case Multipart.Failure.malformed(let reason) = error else { return false }
      return reason.hasPrefix("Content-Type has no valid boundary, of 1 to 70 bytes; let the HTTP")
    }
  }
}
