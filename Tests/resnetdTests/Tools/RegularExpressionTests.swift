import Testing
import resnetd

@Suite struct RegularExpressionTests {
  @Test("The first capture that takes part is given, or else the match")
  func captured() throws {
    let scene = try RegularExpression("(scene[0-9]+)_")
    #expect(try scene.captured(in: "a/scene12_3.jpg") == "scene12")
    #expect(try scene.captured(in: "a/scene.jpg") == nil)
    #expect(try RegularExpression(#"\d+"#).captured(in: "a7b08") == "7")
    #expect(try RegularExpression("(a)|(b)").captured(in: "xb") == "b")
    #expect(try RegularExpression("x|(a)").captured(in: "x") == "x")
    #expect(try RegularExpression("").captured(in: "") == "")
    #expect(try RegularExpression(#"^(?<site>[^/]+)/"#).captured(in: "site A/1.jpg") == "site A")
    // Letters and digits are those of Unicode, and so is a match.
    #expect(try RegularExpression(#"^\w+"#).captured(in: "größe-1") == "größe")
    #expect(try RegularExpression("(.)$").captured(in: "ab\u{1F600}") == "\u{1F600}")
  }

  @Test("What is no regular expression is refused", arguments: ["(", "[a", "a{2,1}", "*", #"\"#])
  func malformed(text: String) {
    let fault = #expect(throws: RegularExpression.Fault.self) { try RegularExpression(text) }
    #expect(fault == .malformed)
  }

  @Test("What would take a time that doubles with each letter is given up")
  func endless() throws {
    let expression = try RegularExpression("(s+)+$")
    let fault = #expect(throws: RegularExpression.Fault.self) {
      try expression.captured(in: String(repeating: "s", count: 60) + "!")
    }
    #expect(fault == .overLimit)
  }
}
