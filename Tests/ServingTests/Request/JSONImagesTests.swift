import Foundation
import HTTPCore
import Machine
import Serving
import Testing

/// Hostile and odd JSON: its refusals, their words, and its cost.
@Suite(.serialized) struct JSONImagesTests {
  private func payload(
    _ body: [UInt8], limit: Int = 64, memory: MemoryBudget? = nil
  ) throws(Problem) -> ImagePayload {
    try ImagePayload(
      body, MediaType("application/json"), imageCountLimit: limit, memory: memory)
  }

  private func problem(_ text: String, limit: Int = 64) -> Problem? {
    do throws(Problem) {
      _ = try payload(Array(text.utf8), limit: limit)
      return nil
    } catch {
      return error
    }
  }

  @Test(
    "A document that is not as it should be is refused, and the answer says what was found",
    arguments: [
      ("[]", 400, "not an object"), ("3", 400, "not an object"), ("null", 400, "not an object"),
      (#"{"image": 3}"#, 400, #""image" is not a string"#),
      (#"{"image": {"image": "AA=="}}"#, 400, #""image" is not a string"#),
      (#"{"images": "AA=="}"#, 400, #""images" is not a list"#),
      (#"{"images": ["AA==", null]}"#, 400, #""images" is not a list"#),
      (#"{"images": [["AA=="]]}"#, 400, #""images" is not a list"#),
      (#"{"image": "AA==", "image": "AA=="}"#, 400, #""image" is given twice"#),
      (#"{"images": [], "top_k": 1, "im\u0061ges": []}"#, 400, #""images" is given twice"#),
      (#"{"image": "AA==", "images": ["AA=="]}"#, 400, "both"),
      (#"{"images": []}"#, 400, "empty"), (#"{"images": null}"#, 400, "neither"),
      (#"{"Image": "AA=="}"#, 400, "did you mean image?"),
      (#"{"top_k": 3}"#, 400, "neither"), ("{}", 400, "neither"),
      (#"{"image": "AA==""#, 400, "the end in the middle of the document, at byte 16"),
      (#"{"image": "AA=="} x"#, 400, "trailing"),

      (
        "{\"image\": \"AA\nAA\"}", 400,
        "the JSON has a line break inside a string, at byte 13; write base64 in one line, as base64 "
          + #"-w0 does, or each line break as \n; send {"image""#
      ),
      ("{\"image\": \"AA\r\nAA\"}", 400, "a line break inside a string, at byte 13"),
      (
        "\u{feff}{\"image\": \"AA\tAA\"}", 400,
        #"a tab inside a string, at byte 16; write it as \t"#
      ),
      ("{\"image\": \"A\u{1}\"}", 400, "the control character 0x01 inside a string, at byte 12"),
      (#"{"image": "A\qA="}"#, 400, "a backslash before a character that takes none"),
      (#"{"image": "\u00g0"}"#, 400, #"\u without four hexadecimal digits"#),
      (#"{"image": "AA==",}"#, 400, "at byte"), (#"{"x": 01, "image": "AA=="}"#, 400, "at byte"),
      (
        #"{"x": .5, "image": "AA=="}"#, 400,
        "a number that begins with a point, at byte 6; write 0.5"
      ),
      (#"{"x": 5., "image": "AA=="}"#, 400, "a number without a digit after its point"),
      (#"{"x": -, "image": "AA=="}"#, 400, "a minus sign without a digit"),
      (#"{"x": 1e, "image": "AA=="}"#, 400, "a number without a digit after its e"),
      ("{'image': 'AA=='}", 400, "a single quote, at byte 1; put strings in double quotes"),
      (#"{"image" "AA=="}"#, 400, "a member without a colon"), (#"{image: "A"}"#, 400, "at byte"),
      (#"{"image": "AA==" "x": 1}"#, 400, "neither a comma nor } after a member"),
      (#"{"images": ["AA==" "AA=="]}"#, 400, "neither a comma nor ] after an item"),
      (#"{"x": NaN}"#, 400, "at byte"), (#"{"x": nul}"#, 400, "a word other than true, false"),
      (#"{1: 2}"#, 400, "a member whose name is not a string in double quotes"),
      (#"{"x": 1 /* */}"#, 400, "a slash outside of a string"),
      (#"{"images": ["","",""]}"#, 413, "more than 2 images"),
    ])
  func refusals(text: String, status: Int, words: String) {
    let problem = problem(text, limit: 2)
    #expect(problem?.status == status, "\(text)")
    #expect(problem?.detail.contains(words) == true, "\(problem?.detail ?? "")")
  }

  @Test(
    "Bytes that are not UTF-8 are refused", arguments: [[0xff], [0x80], [0xc3, 0x28]])
  func encoding(bytes: [UInt8]) {
    let body = Array(#"{"x": ""#.utf8) + bytes + Array(#"", "image": "AA=="}"#.utf8)
    #expect { try payload(body) } throws: { ($0 as? Problem)?.status == 400 }
  }

  @Test(
    "Keys that are null, blanks, escapes and a byte order mark change nothing",
    arguments: [
      #"{"image": "AQID", "images": null}"#, #"{"image": null, "images": ["AQID"]}"#,
      #"{"top_k": 1e999999, "image": "AQID", "min_probability": false}"#,
      "\u{feff}{\"image\":\r\n\t \"AQID\"}", #"{"im\u0061ge": "AQID"}"#,
      #"{"top_k": "\ud83d\ude00\"\\", "image": "AQ\u0049D"}"#,
    ])
  func accepted(text: String) throws {
    let payload = try payload(Array(text.utf8))
    #expect(payload.count == 1)
    #expect(try Array(payload.image(0)) == [1, 2, 3])
  }

  @Test("Escaped strings are the images that they stand for, wherever escapes stand")
  func escapes() throws {
    var bytes: [UInt8] = []
    for index in 0..<3000 { bytes.append(UInt8(truncatingIfNeeded: index &* 151 ^ index >> 3)) }
    let plain = Data(bytes).base64EncodedString()
    for step in [1, 2, 3, 5, 7] {
      var text = ""
      for (index, character) in plain.enumerated() {
        guard index.isMultiple(of: step), let value = character.asciiValue else {
          text.append(character)
          continue
        }
        text +=
          character == "/" ? #"\/"# : #"\u00"# + String(value, radix: 16, uppercase: step == 2)
      }
      let payload = try payload(Array(#"{"images": ["\#(text)", "AQID", "\#(text)"]}"#.utf8))
      for index in [2, 0] { #expect(try Array(payload.image(index)) == bytes) }
      #expect(try Array(payload.image(1)) == [1, 2, 3])
    }
  }

  private func decoded(_ text: String) throws -> [UInt8] {
    // Swift's strings hold CR LF as one character.
    let quoted = text.replacing("\r\n", with: #"\r\n"#).replacing("\n", with: #"\n"#)
      .replacing("\t", with: #"\t"#)
    return Array(try payload(Array(#"{"image": "\#(quoted)"}"#.utf8)).image(0))
  }

  @Test("Base64 is what Foundation makes of it")
  func base64() throws {
    for text in ["AAAA", "AA==", "AAA=", "AB==", "AAB=", "AQIDBAUG", "+/+/", "AAAAAA=="] {
      #expect(try decoded(text) == Data(base64Encoded: text).map { Array($0) }, "\(text)")
    }
  }

  @Test(
    "Base64 in lines, for URLs, without padding and as a data URL is the same as plain",
    arguments: [
      ("AQ", "AQ=="), ("AQI", "AQI="), ("AQIDBA", "AQIDBA=="), ("-_-_", "+/+/"), ("A-__", "A+//"),
      (" AQ==", "AQ=="), ("AQ==\n", "AQ=="), ("AQ= =", "AQ=="), ("AQ\n==", "AQ=="),
      ("AQID\nBAUG", "AQIDBAUG"), ("AQID\r\nBAUG\r\n", "AQIDBAUG"), ("AQID BAUG", "AQIDBAUG"),
      ("A\nQ\n\tID", "AQID"), ("AQID \n  BAUG \n", "AQIDBAUG"), ("AQI=  ", "AQI="),
      ("AQ ==", "AQ=="), ("\t\n AQID", "AQID"),
      ("data:image/png;base64,AQID", "AQID"), ("DATA:;Base64,AQI", "AQI="),
      ("\n data:image/png;charset=x;BASE64, AQ\nID", "AQID"), ("data:;base64,-_-_", "+/+/"),
      (#"data:image\/png;base64,A\/\/\/"#, "A///"), (#"\u0064ata:\u003bbase64\u002cAQID"#, "AQID"),
      (#"AQID\fBAUG"#, "AQIDBAUG"),
    ])
  func forms(text: String, plain: String) throws {
    #expect(try decoded(text) == Data(base64Encoded: plain).map { Array($0) })
  }

  @Test(
    "A string that is not base64 is refused, with the place and the byte",
    arguments: [
      ("", "holds no bytes"), (" \n", "holds no bytes"), ("data:;base64,", "holds no bytes"),
      ("A", "one digit is left over"), ("AAAAA", "one digit is left over"),
      ("A===", #"byte 1 of its string is "=", where none can be"#),
      ("====", "byte 0"), ("=", "byte 0"), ("A=AA", "byte 1"), ("AAAA====", "byte 4"),
      ("AA=A", #"byte 3 of its string is "A", after padding"#), ("AA==AAAA", "byte 4"),
      ("AAAAA===", "byte 5"), ("AAA==", #"byte 4 of its string is "=", after padding"#),
      ("AAAA=", "byte 4"), ("AA=", "its padding is not whole: 2 digits take =="),
      ("AA*A", #"byte 2 of its string is "*"; allowed are letters, digits, + and /"#),
      ("cat.jpg", #"byte 3 of its string is ".""#),
      ("AA\n*A", #"byte 3 of its string is "*""#), (#"A\/\/\/*"#, #"byte 4 of its string is "*""#),
      ("A\u{e9}==", "byte 1 of its string is 0xc3"),
      (#"A\u20ac"#, "byte 1 of its string is U+20AC"),
      (#"A\b"#, "byte 1 of its string is U+0008"), (#"A\\A"#, #"byte 1 of its string is "\""#),
      ("A+A_", #"byte 3 of its string is "_", of the alphabet for URLs after + or /"#),
      ("A-A/", #"byte 3 of its string is "/", of the alphabet with + and / after - or _"#),
      ("AA AA", "byte 2 of its string is a blank, where a + may have been lost"),
      ("AAAA AAA", "byte 4 of its string is a blank, where a + may have been lost"),
      // At the end and at the start of a line, and of the string.
      ("AQ \n  ID", "byte 2 of its string is a blank"),
      ("AQI  ", "byte 3 of its string is a blank"),
      ("AQI \nBAUG", "byte 3 of its string is a blank"),
      ("AQID\n AUG", "byte 5 of its string is a blank"),
      ("AQID \nAUG", "byte 4 of its string is a blank"),
      (" AUG", "byte 0 of its string is a blank"),
      ("data:;base64, AUG", "byte 13 of its string is a blank"),
      ("data:image/png,AQID", "without ;base64"), ("data:image/png", "without a comma"),
      ("data:\(String(repeating: "x", count: 300));base64,AQID", "without a comma"),
      ("http://example.com/a.jpg", "not fetched"), ("HTTPS://example.com/a.jpg", "not fetched"),
      ("b'AQID'", "Python"), (#"A\ud800"#, "byte 1 of its string is"),
    ])
  func notBase64(text: String, words: String) throws {
    #expect {
      _ = try decoded(text)
    } throws: { error in
      guard let problem = error as? Problem else { return false }
      return problem.status == 400 && problem.kind.name == "malformed-body"
        && problem.detail.contains(words)
    }
  }

  @Test("One that is not base64 leaves those around it as they are")
  func neighbours() throws {
    let payload = try payload(Array(#"{"images": ["AQID", "AQID!", "BAUG"]}"#.utf8))
    #expect { try payload.image(1) } throws: { ($0 as? Problem)?.status == 400 }
    #expect(try Array(payload.image(0)) == [1, 2, 3])
    #expect(try Array(payload.image(2)) == [4, 5, 6])
  }

  /// Returns bodies of some tens of megabytes that once took seconds and gigabytes.
  private static func hostile(_ name: String) -> [UInt8] {
    let byteCount = 33_000_000
    func repeated(_ text: String, from start: String) -> [UInt8] {
      var bytes = Array(start.utf8)
      bytes.reserveCapacity(byteCount + text.utf8.count)
      while bytes.count < byteCount { bytes += text.utf8 }
      return bytes
    }
    return switch name {
    case "numbers": repeated("1,", from: #"{"a":["#)
    case "empty strings": repeated(#""","#, from: #"{"images":["#)
    case "other strings": repeated(#""","#, from: #"{"a":["#)
    case "parameters": repeated(#""top_k":1,"#, from: "{")
    case "a number": repeated("9", from: #"{"top_k":"#)
    case "nesting": repeated("[", from: #"{"a":"#)
    case "objects": repeated(#"{"a":"#, from: "")
    case "keys": repeated(#""a":1,"#, from: "{")
    case "a string without an end": repeated("A", from: #"{"image":""#)
    case "an escaped string without an end": repeated(#"\/"#, from: #"{"image":""#)
    case "an exponent": repeated("9", from: #"{"a":1e"#)
    case "blanks": repeated(" ", from: "{")
    default: repeated("]", from: "")
    }
  }

  @Test(
    "What a hostile body costs beside itself is bounded",
    arguments: [
      "numbers", "empty strings", "other strings", "nesting", "objects", "keys",
      "a string without an end", "an exponent", "blanks", "brackets", "parameters", "a number",
    ])
  func memory(name: String) {
    let body = Self.hostile(name)
    // The reader is refused memory beyond `JSONImages.scratchByteCount`, and then could not tell
    // what is wrong; from an empty budget, nothing is taken.
    let budget = MemoryBudget(byteCount: 0)
    #expect { try payload(body, memory: budget) } throws: { error in
      guard let status = (error as? Problem)?.status else { return false }
      return status == (name == "empty strings" ? 413 : 400)
    }
  }

  @Test("A string with escapes is copied by the reader: in the budget, or not at all")
  func scratch() throws {
    let body = Self.hostile("an escaped string without an end")
    let poor = MemoryBudget(byteCount: 2 * body.count)
    #expect { try payload(body, memory: poor) } throws: {
      ($0 as? Problem)?.kind.name == "overloaded"
    }
    let rich = MemoryBudget(byteCount: 3 * body.count)
    #expect { try payload(body, memory: rich) } throws: { ($0 as? Problem)?.status == 400 }
    #expect(rich.usedByteCount == 0)
  }
}
