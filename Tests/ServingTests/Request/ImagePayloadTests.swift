import Foundation
import HTTPCore
import Serving
import Testing

@Suite struct ImagePayloadTests {
  private func payload(_ type: String?, _ body: [UInt8], limit: Int = 4) throws -> ImagePayload {
    try ImagePayload(body, type.flatMap(MediaType.init), imageCountLimit: limit)
  }

  private func status(_ type: String?, _ body: String) -> Int? {
    do {
      _ = try payload(type, Array(body.utf8))
      return nil
    } catch {
      return (error as? Problem)?.status
    }
  }

  private static let formType = "multipart/form-data; boundary=B"
  /// The first bytes of an image.
  private static let png: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

  /// Makes a part of a form, which is a file unless it is told otherwise.
  private func part(
    _ name: String, _ content: String = "image", _ parameters: String = "; filename=\"x\"",
    type: String? = nil
  ) -> String {
    let type = type.map { "Content-Type: \($0)\r\n" } ?? ""
    return
      "--B\r\nContent-Disposition: form-data; name=\"\(name)\"\(parameters)\r\n\(type)\r\n"
      + "\(content)\r\n"
  }

  private func field(_ name: String, _ value: String) -> String { part(name, value, "") }

  private func form(_ parts: [String]) -> [UInt8] { Array((parts.joined() + "--B--\r\n").utf8) }

  private func detail(_ type: String?, _ body: [UInt8]) -> String? {
    do {
      _ = try payload(type, body)
      return nil
    } catch {
      #expect((error as? Problem)?.status == 400)
      return (error as? Problem)?.detail
    }
  }

  @Test(
    "The body is the image, whatever its type says",
    arguments: [nil, "image/jpeg", "application/x-www-form-urlencoded", "nonsense"])
  func raw(type: String?) throws {
    let read = try payload(type, [1, 2, 3])
    #expect(!read.isList)
    #expect(read.count == 1)
    #expect(try Array(read.image(0)) == [1, 2, 3])
  }

  @Test("Files are images, in order and under whatever name; several make a list")
  func multipart() throws {
    let one = try payload(Self.formType, form([field("top_k", "3"), part("photo")]))
    #expect(!one.isList && one.count == 1)
    #expect(try Array(one.image(0)) == Array("image".utf8))
    #expect(one.parameters.map(\.name) == ["top_k"])
    let names = ["image", "file", "data", "images[]", "images[]", "upload"]
    let all = try payload(
      Self.formType, form(names.enumerated().map { part($1, "\($0)") }), limit: 6)
    #expect(all.isList && all.count == 6)
    #expect(
      try (0..<6).map { try Array(all.image($0)) } == (0..<6).map { Array("\($0)".utf8) })
  }

  @Test(
    "A part is a file by its file name, its type or its first bytes",
    arguments: [
      ("; filename=a.jpg", nil, "x"), ("; filename*=utf-8''a.jpg", nil, "x"),
      ("; filename=\"\"", "application/octet-stream", "x"), ("; filename=a", "text/plain", ""),
      ("", "image/jpeg", "x"), ("", "IMAGE/png; x=y", "x"), ("", "application/octet-stream", "x"),
      ("", nil, "GIF89a"),
    ] as [(String, String?, String)])
  func files(parameters: String, type: String?, content: String) throws {
    let body = form([part("any", content, parameters, type: type)])
    let payload = try payload(Self.formType, body)
    #expect(payload.count == 1 && payload.parameters.isEmpty)
    #expect(try Array(payload.image(0)) == Array(content.utf8))
  }

  @Test("A field with the name of a parameter is one, whatever its value begins with")
  func parameterOrFile() throws {
    for (name, value) in [("top_k", "BM3"), ("features", "GIF89a"), ("min_probability", "P6 1")] {
      let read = try payload(Self.formType, form([part("image"), field(name, value)]))
      #expect(read.count == 1 && read.parameters.map(\.name) == [name])
    }
    let typed = part("top_k", "3", "", type: "application/octet-stream")
    #expect(
      try payload(Self.formType, form([part("image"), typed])).parameters.map(\.name) == ["top_k"])
    // With a file name it is a file.
    #expect(try payload(Self.formType, form([part("top_k", "BM3")])).count == 1)
  }

  @Test("A file that nobody has chosen in a browser is passed over")
  func unchosen() throws {
    let empty = part("second", "", "; filename=\"\"", type: "application/octet-stream")
    let payload = try payload(Self.formType, form([part("first"), empty]))
    #expect(payload.count == 1)
    #expect(
      detail(Self.formType, form([empty]))?.contains(#""second" without a chosen file"#) == true)
  }

  @Test("A form without a file is refused with the parts that it has and what to send")
  func noFile() {
    #expect(
      detail(Self.formType, form([field("image", "cat.jpg"), field("x", "")]))
        == #"no part of the form is a file: it has "image" with 7 bytes of text, "#
        + #""x" with 0 bytes of text; send one, for example with curl -F image=@cat.jpg, "#
        + "or base64 in JSON")
    #expect(detail(Self.formType, form([]))?.hasPrefix("the form is empty") == true)
    let many = detail(Self.formType, form((0..<20).map { field("name\($0)", "") }))
    #expect(
      many?.contains(#""name7" with 0 bytes of text, 12 more; send"#) == true, "\(many ?? "")")
  }

  @Test(
    "Other fields of a form are parameters, or refused by name",
    arguments: [
      (
        ["topk": "3"],
        #""topk" is an unknown form field (did you mean top_k?); beside files a form"#
      ),
      (["note": "x"], #""note" is an unknown form field; beside files a form takes top_k, "#),
    ])
  func fields(fields: [String: String], words: String) {
    let found = detail(Self.formType, form([part("image")] + fields.map { field($0, $1) }))
    #expect(found?.contains(words) == true, "\(found ?? "")")
  }

  @Test("A field that is given twice, or whose value is not a number, is refused")
  func fieldValues() throws {
    let twice = form([part("image"), field("top_k", "3"), field("top_k", "3")])
    #expect(detail(Self.formType, twice)?.contains("top_k is given twice in the form") == true)
    for (value, words) in [
      ("0", #"not "0""#), ("", "not nothing"), ("3\n", "from 1 to 10"),
      (String(repeating: "1", count: 100), #"1…""#),
    ] {
      let read = try payload(Self.formType, form([part("image"), field("top_k", value)]))
      let query = ClassificationParameters()
      #expect {
        try query.adding(read.parameters, classCount: 10)
      } throws: { error in
        (error as? Problem)?.detail.contains(words) == true
      }
    }
  }

  @Test(
    "An image is read as one, whatever its type says",
    arguments: ["application/json", "multipart/form-data", Self.formType])
  func mistaken(type: String) throws {
    let read = try payload(type, Self.png)
    #expect(!read.isList)
    #expect(try Array(read.image(0)) == Self.png)
  }

  @Test(
    "A body that begins as a JSON object is read as JSON, whatever its type says",
    arguments: [
      nil, "application/x-www-form-urlencoded", "text/plain", "application/octet-stream",
      "text/json", "application/vnd.x+json; charset=utf-8", "image/jpeg", "nonsense",
    ])
  func mistakenJSON(type: String?) throws {
    for start in ["", " \r\n\t", "\u{feff}"] {
      let body = Array("\(start){\"images\": [\"AQID\"], \"top_k\": 2}".utf8)
      let read = try payload(type, body)
      #expect(read.isList && read.parameters.map(\.name) == ["top_k"])
      #expect(try Array(read.image(0)) == [1, 2, 3])
    }
    #expect(try payload(type == "text/json" ? nil : "x/y", Array("[1]".utf8)).isList == false)
  }

  @Test("Too many images are refused with 413")
  func limits() {
    let body = form(Array(repeating: part("image"), count: 5))
    #expect { try payload(Self.formType, body) } throws: {
      ($0 as? Problem)?.status == 413
    }
    let json = #"{"images": ["AA==", "AA==", "AA==", "AA==", "AA=="]}"#
    #expect(status("application/json", json) == 413)
  }

  @Test("JSON holds one image or a list of them; one that is no base64 fails alone")
  func json() throws {
    let one = try payload("application/json; charset=utf-8", Array(#"{"image": "AQID"}"#.utf8))
    #expect(!one.isList)
    #expect(try Array(one.image(0)) == [1, 2, 3])
    let list = try payload("application/json", Array(#"{"images": ["AQID", "*"]}"#.utf8))
    #expect(list.isList)
    #expect(throws: Problem.self) { try list.image(1) }
    #expect(try Array(list.image(0)) == [1, 2, 3])
    // It can be read as often as anybody asks.
    #expect(try Array(list.image(0)) == [1, 2, 3])
    #expect(throws: Problem.self) { try list.image(1) }
  }

  @Test(
    "Bodies that hold no image are refused with 400",
    arguments: [
      (nil, ""), ("application/json", "{"), ("application/json", "[]"),
      ("application/json", "{}"), ("application/json", #"{"images": []}"#),
      ("application/json", #"{"image": "AA==", "images": ["AA=="]}"#),
      ("application/json", #"{"image": 3}"#),
      ("multipart/form-data", "x"), ("multipart/form-data; boundary=B", "x"),
      ("multipart/form-data; boundary=B", "--B\r\n\r\n"),
    ] as [(String?, String)])
  func refusals(type: String?, body: String) {
    #expect(status(type, body) == 400)
  }

  @Test("A form of more parts than images and fields may be is refused by their number")
  func partCount() {
    let body = form((0..<21).map { field("name\($0)", "") })
    #expect {
      try payload(Self.formType, body)
    } throws: { error in
      let problem = error as? Problem
      return problem?.status == 413 && problem?.kind.name == "too-many-images"
        && problem?.detail == "the form has more parts than 4 images and 16 other fields"
    }
  }

  @Test(
    "A form whose type is another, or has no boundary, says who must set it",
    arguments: [
      ("multipart/form-data", "multipart/form-data without one"),
      ("application/json", #""application/json""#), ("text/plain; boundary=B", #""text/plain""#),
      (nil, "missing or malformed"), ("nonsense", "missing or malformed"),
    ] as [(String?, String)])
  func noBoundary(type: String?, words: String) {
    #expect(
      detail(type, form([part("image")]))
        == "a form's boundary must be in Content-Type, which is \(words); "
        + "leave that field to your HTTP library")
    let attached = "--B\r\nContent-Disposition: attachment; name=a\r\n\r\nx\r\n--B--\r\n"
    #expect(detail(type, Array(attached.utf8))?.hasPrefix("a form's boundary must be") == true)
  }
}
