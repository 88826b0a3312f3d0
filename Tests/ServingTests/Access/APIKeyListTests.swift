import Serving
import Testing

/// The file of `--api-keys`.
@Suite struct APIKeyListTests {
  private static let digests = ["0", "a", "B"].map { String(repeating: $0, count: 64) }

  private func read(_ text: String) throws -> [APIKeyList.Entry] {
    try APIKeyList(Array(text.utf8)).entries
  }

  @Test("Names, digests and rates are read, and written as they are read")
  func entries() throws {
    let text = """
      # Who may ask.
      ada sha256:\(Self.digests[0])

        ci.example-2\tsha256:\(Self.digests[1]) burst=20  rate=10/s\r
      grace_h sha256:\(Self.digests[2]) rate=100/min
      """
    let entries = try read(text)
    #expect(entries.map(\.name) == ["ada", "ci.example-2", "grace_h"])
    #expect(entries.map { $0.rate?.words } == [nil, "rate=10/s burst=20", "rate=100/min"])
    #expect(entries.map { $0.rate?.burst } == [nil, 20, 100])
    #expect(entries[2].digest.hex == String(repeating: "b", count: 64))
    #expect(try read(entries.map(\.line).joined(separator: "\n")) == entries)
  }

  @Test(
    "What is not understood is refused with its line and a remedy, and never quoted",
    arguments: [
      ("", "no key in it"), ("# ada\n\n", "no key in it"),
      ("\nrn_SECRET", "line 2: after a key's name"), ("ada SECRET", "never the key itself"),
      ("ada sha256:SECRET", "64 hexadecimal digits"), ("ada md5:0", "64 hexadecimal digits"),
      ("-ada sha256:D", "line 1: a name has 1 to 64"), ("a/SECRET sha256:D", "a name has"),
      ("ä sha256:D", "a name has"), ("a=\"b\" sha256:D", "a name has"),
      ("ada sha256:D SECRET", "each once"), ("ada sha256:D rate=1/s rate=1/s", "each once"),
      ("ada sha256:D Rate=1/s", "each once"), ("ada sha256:D burst=1", "burst needs a rate"),
      ("ada sha256:D rate=0/s", "rate is a whole number from 1 to 1000000"),
      ("ada sha256:D rate=1000001/s", "rate is a whole"),
      ("ada sha256:D rate=1", "rate is a whole"),
      ("ada sha256:D rate=1.5/s", "rate is a whole"),
      ("ada sha256:D rate=1/day", "rate is a whole"),
      ("ada sha256:D rate=-1/s", "rate is a whole"),
      ("ada sha256:D rate=1/s burst=0", "burst is a whole number"),
      ("ada sha256:D rate=1/s burst=SECRET", "burst is a whole number"),
      ("ada sha256:D\nada sha256:E", "line 2: the name ada is on line 1 already"),
      ("ada sha256:D\n#\nbob sha256:D", "line 3: this key is on line 1 already"),
      (
        "ada sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "the digest of an empty key"
      ),
    ])
  func refusals(text: String, words: String) {
    let text = text.replacing("sha256:D", with: "sha256:" + Self.digests[0])
      .replacing("sha256:E", with: "sha256:" + Self.digests[1])
    let fault = #expect(throws: APIKeyList.Fault.self) { try read(text) }
    let description = fault?.description ?? ""
    #expect(description.contains(words), "\(description)")
    #expect(!description.contains("SECRET"), "\(description)")
  }

  @Test("Keys, lines and bytes have limits")
  func limits() throws {
    func lines(_ count: Int) -> String {
      (0..<count).map { index in
        let digits = String(index, radix: 16)
        return "k\(index) sha256:\(String(repeating: "0", count: 64 - digits.count))\(digits)\n"
      }.joined()
    }
    #expect(try read(lines(APIKeyList.keyLimit)).count == APIKeyList.keyLimit)
    let cases = [
      (lines(APIKeyList.keyLimit + 1), "line 1001: more than 1000 keys"),
      (String(repeating: "\n", count: APIKeyList.lineLimit), "more than 10000 lines"),
    ]
    for (text, words) in cases {
      let fault = #expect(throws: APIKeyList.Fault.self) { try read(text) }
      #expect(fault?.description == words)
    }
    #expect(APIKeyList.isName(String(repeating: "n", count: APIKeyList.nameByteLimit)))
    #expect(!APIKeyList.isName(String(repeating: "n", count: APIKeyList.nameByteLimit + 1)))
  }
}
