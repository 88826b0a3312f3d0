import Testing
import Words

@Suite struct TextSearchTests {
  @Test("A row of elements is found at its first place")
  func places() {
    let bytes = Array("abcabdabd".utf8)
    #expect(bytes.firstPlace(of: Array("abd".utf8)) == 3..<6)
    #expect(bytes[4...].firstPlace(of: Array("abd".utf8)) == 6..<9)
    #expect(bytes.firstPlace(of: Array("aabd".utf8)) == nil)
    #expect(bytes.firstPlace(of: Array("abda".utf8)) == 3..<7)
    #expect(bytes.firstPlace(of: []) == 0..<0)
    #expect([UInt8]().firstPlace(of: bytes) == nil && [UInt8]().firstPlace(of: []) == 0..<0)
    // Begins again within what agreed before.
    #expect(Array("aaab".utf8).firstPlace(of: Array("aab".utf8)) == 1..<4)
  }

  @Test("A text is found by its bytes")
  func contained() {
    #expect("s3://bucket".containsText("://") && !"s3:/bucket/".containsText("://"))
    #expect("x.downsample.0".dropFirst().containsText(".downsample."))
    #expect("".containsText("") && "a".containsText("") && !"".containsText("a"))
    // A carriage return of a line's end is one character with its line feed, and is found.
    #expect("a\r\nb".containsText("\r") && "e\u{301}".containsText("e"))
    #expect(!"\u{e9}".containsText("e\u{301}"))
  }

  @Test("Texts are parted and put together again")
  func parts() {
    #expect("a||b|c||".parts(between: "||") == ["a", "b|c", ""])
    #expect("".parts(between: "|") == [""] && "|".parts(between: "|") == ["", ""])
    #expect("aaa".parts(between: "aa") == ["", "a"])
    #expect("é, ü".parts(between: ", ") == ["é", "ü"])
    #expect("a b  c".replacingText(" ", with: "_") == "a_b__c")
    #expect("<a & \"b\">".replacingText("&", with: "&amp;") == "<a &amp; \"b\">")
    #expect(
      "'".replacingText("'", with: "'\\''") == "'\\''")
    #expect("".replacingText("x", with: "y") == "")
  }
}
