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

  private func form(_ names: [String]) -> [UInt8] {
    let parts = names.map {
      "--B\r\nContent-Disposition: form-data; name=\"\($0)\"; filename=\"x\"\r\n\r\nimage\r\n"
    }
    return Array((parts.joined() + "--B--\r\n").utf8)
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

  @Test("Parts named image are images, in order; several make a list")
  func multipart() throws {
    let one = try payload("multipart/form-data; boundary=B", form(["note", "image"]))
    #expect(!one.isList && one.count == 1)
    #expect(try Array(one.image(0)) == Array("image".utf8))
    let two = try payload("multipart/form-data; boundary=B", form(["image", "image"]))
    #expect(two.isList && two.count == 2)
  }

  @Test("Too many images are refused with 413")
  func limits() {
    let body = form(Array(repeating: "image", count: 5))
    #expect { try payload("multipart/form-data; boundary=B", body) } throws: {
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

  @Test("A form without a part named image is refused")
  func noImage() {
    #expect { try payload("multipart/form-data; boundary=B", form(["photo"])) } throws: {
      ($0 as? Problem)?.status == 400
    }
  }
}
