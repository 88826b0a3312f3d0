/// Python literals as numpy writes them.
struct PythonLiteralScanner {
  var rest: ArraySlice<UInt8>

  private mutating func skipSpace() {
    while let byte = rest.first, byte == 0x20 || byte == 0x0A { rest.removeFirst() }
  }

  var isAtEnd: Bool { rest.allSatisfy { $0 == 0x20 || $0 == 0x0A } }

  mutating func accepts(_ word: String) -> Bool {
    skipSpace()
    guard rest.starts(with: word.utf8) else { return false }
    rest.removeFirst(word.utf8.count)
    return true
  }

  mutating func expect(_ word: String) throws(Failure) {
    guard accepts(word) else { throw Failure("the header is not valid") }
  }

  mutating func text() throws(Failure) -> String {
    let quote = accepts("'") ? UInt8(ascii: "'") : UInt8(ascii: "\"")
    if quote == UInt8(ascii: "\"") { try expect("\"") }
    guard let end = rest.firstIndex(of: quote) else {
      throw Failure("the header is not valid")
    }
    let text = String(decoding: rest[..<end], as: UTF8.self)
    rest = rest[(end + 1)...]
    return text
  }

  mutating func truth() throws(Failure) -> Bool {
    if accepts("True") { return true }
    try expect("False")
    return false
  }

  mutating func tuple() throws(Failure) -> [Int] {
    var numbers: [Int] = []
    try expect("(")
    while !accepts(")") {
      skipSpace()
      let digits = rest.prefix { 0x30...0x39 ~= $0 }
      rest = rest[digits.endIndex...]
      guard let number = Int(String(decoding: digits, as: UTF8.self)) else {
        throw Failure("the header is not valid")
      }
      numbers.append(number)
      // Python 2 wrote long numbers with a letter.
      _ = accepts("L")
      if accepts(",") { continue }
      try expect(")")
      break
    }
    return numbers
  }
}
