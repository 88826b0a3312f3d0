/// Text in units of one byte that is not UTF-8, but in an older encoding.
package enum ByteText {
  /// Returns the first line, from 1, that is not UTF-8; nil if all are.
  package static func firstOtherLine(of bytes: some Collection<UInt8>) -> Int? {
    // No character of several bytes has a line feed among them.
    var line = 1
    var rest = bytes[...]
    while !rest.isEmpty {
      let end = rest.firstIndex(of: UInt8(ascii: "\n")) ?? rest.endIndex
      if String(validating: rest[..<end], as: UTF8.self) == nil { return line }
      rest = rest[end...].dropFirst()
      line += 1
    }
    return nil
  }

  /// What to do about a file that is not UTF-8, which does not say what it is.
  package static let remedy =
    "save it as UTF-8, or convert it by `iconv -f LATIN1 -t UTF-8 FILE > NEW`, with the encoding that "
    + "it has in place of LATIN1"
}
