import JSON
import Testing

@Suite struct JSONTreeTests {
  private func refusal(_ text: String, allowsNUL: Bool = false) -> JSONTree.Fault? {
    let bytes = Array(text.utf8)
    do throws(JSONTree.Fault) {
      // SAFETY: the bytes of an array of bytes, for the call.
      _ = try unsafe JSONTree(bytes.span.bytes, allowsNUL: allowsNUL)
      return nil
    } catch {
      return error
    }
  }

  @Test(
    "What is not one JSON document is refused",
    arguments: [
      "", " ", "1", #""a""#, "null", "{", "[1,]", #"{"a":1,}"#, "[1] [2]", "[01]", "[+1]", "[.5]",
      "[NaN]", "['a']", "[\"a\nb\"]", #"["\x41"]"#, #"["\ud800"]"#, "[1e999]",
      "[9223372036854775808]", "\u{feff}[]",
    ])
  func malformed(text: String) throws {
    let fault = try #require(refusal(text))
    #expect(0...text.utf8.count ~= fault.offset)
    #expect(!fault.reason.isEmpty)
  }

  @Test(
    "Bytes that are not UTF-8 are refused", arguments: [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80]])
  func invalidUTF8(bytes: [UInt8]) {
    let text = Array(#"[""#.utf8) + bytes + Array(#""]"#.utf8)
    #expect(throws: JSONTree.Fault.self) {
      // SAFETY: the bytes of an array of bytes, for the call.
      _ = try unsafe JSONTree(text.span.bytes)
    }
  }

  @Test("A name that stands twice is refused at any level, however it is written")
  func duplicates() throws {
    for text in [
      #"{"a":1,"a":1}"#, #"{"a":1,"b":2,"\u0061":3}"#, #"[{"x":{"a":1,"a":2}}]"#, #"{"":1,"":2}"#,
    ] {
      #expect(try #require(refusal(text)).reason.contains("duplicate"), "\(text)")
    }
    // Equal for people, and two names for a program.
    #expect(refusal("{\"\u{e9}\":1,\"e\u{301}\":2}") == nil)
  }

  @Test("A NUL is refused in strings unless it is allowed, and always in names")
  func nul() {
    #expect(refusal(#"["a\u0000b"]"#) != nil)
    #expect(refusal(#"["a\u0000b"]"#, allowsNUL: true) == nil)
    #expect(refusal(#"{"a\u0000b":1}"#, allowsNUL: true) != nil)
  }

  @Test("Depth is limited by the reader, not by the stack")
  func depth() {
    let brackets = { (count: Int) in
      String(repeating: "[", count: count) + String(repeating: "]", count: count)
    }
    #expect(refusal(brackets(2000)) == nil)
    #expect(refusal(brackets(2100)) != nil)
    #expect(refusal(brackets(1_000_000)) != nil)
    #expect(refusal(String(repeating: #"{"a":"#, count: 1_000_000)) != nil)
  }

  @Test("A value is read as what it is, and as nothing else")
  func kinds() throws {
    let bytes = Array(#"{"s":"x","i":7,"r":7.5,"t":true,"n":null,"a":[1],"o":{}}"#.utf8)
    // SAFETY: the bytes of an array of bytes, for the call.
    let tree = try unsafe JSONTree(bytes.span.bytes)
    let root = tree.root
    #expect(root["s"]?.string == "x" && root["i"]?.integer == 7 && root["r"]?.number == 7.5)
    #expect(root["i"]?.number == 7 && root["t"]?.boolean == true && root["n"]?.isNull == true)
    #expect(root["a"]?.array?.count == 1 && root["o"]?.members?.isEmpty == true)
    #expect(root["r"]?.integer == nil && root["s"]?.number == nil && root["n"]?.boolean == nil)
    #expect(root["o"]?.array == nil && root["a"]?.members == nil && root["i"]?.string == nil)
    #expect(root["missing"] == nil && root["s"]?["s"] == nil)
  }
}
