import Files
import Foundation
import Testing

@Suite struct Base64TextTests {
  @Test("Bytes of any number have the digits that Foundation gives them, and come back")
  func round() {
    for count in 0..<70 {
      let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 197 &+ count) }
      let text = Base64Text.text(bytes)
      #expect(text == Data(bytes).base64EncodedString())
      #expect(Base64Text.bytes(text) == bytes)
    }
  }

  @Test(
    "What is not whole groups of digits is refused",
    arguments: [
      "A", "AA", "AAA", "AAAAA", "A===", "====", "=AAA", "AA=A", "AA==AAAA", "AA A", " AAAA",
      "AAAA ", "AAAA\n", "AA-A", "AA_A", "AA\u{0}A", "ÄAA",
    ])
  func malformed(text: String) {
    #expect(Base64Text.bytes(text) == nil)
  }
}
