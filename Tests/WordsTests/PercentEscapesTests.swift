import Testing
import Words

@Suite struct PercentEscapesTests {
  @Test(
    "Escapes are decoded, and what is none stays",
    arguments: [
      ("", ""), ("a/b", "a/b"), ("%41%7a%C3%A9", "Azé"), ("a+b", "a+b"), ("%2f", "/"),
      ("%25 41", "% 41"),
      ("é", "é"),
    ])
  func decoded(text: String, expected: String) {
    #expect(PercentEscapes.decoded(text[...].utf8) == expected)
  }

  @Test(
    "A broken escape, NUL and bytes that are not UTF-8 give nothing",
    arguments: ["%", "a%4", "%4g", "%g4", "%00", "%ff", "%C3", "%%41"])
  func refused(text: String) {
    #expect(PercentEscapes.decoded(text[...].utf8) == nil)
  }

  @Test("Blanks of forms, and a byte whose escape has another meaning")
  func variants() {
    #expect(PercentEscapes.decoded("a+b%2B"[...].utf8, plusIsBlank: true) == "a b+")
    let slash = UInt8(ascii: "/")
    #expect(PercentEscapes.decoded("a%2fb/%41"[...].utf8, keeping: slash) == "a%2Fb/A")
    #expect(PercentEscapes.escape(0x0a) == Array("%0A".utf8))
  }
}
