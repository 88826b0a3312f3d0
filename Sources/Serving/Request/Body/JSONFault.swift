import Words

/// Words for what is wrong with a JSON body, in place of the parser's: what was found, and how it is
/// written instead.
struct JSONFault {
  private let found: String
  private let remedy: String?
  /// Place in the body.
  private let offset: Int

  /// Parts of yajl's messages (`yajl_lex.c`, `yajl_parser.c`), and what they mean.
  private static let messages: [(part: String, found: String, remedy: String?)] = [
    (
      "occurs before a character which it may not",
      "a backslash before a character that takes none in a string",
      #"write \\ for a backslash, / without one"#
    ),
    ("invalid (non-hex) character", #"\u without four hexadecimal digits"#, nil),
    ("invalid bytes in UTF8", "bytes that are not UTF-8", "send the JSON as UTF-8"),
    ("required after the decimal point", "a number without a digit after its point", "write 5.0"),
    ("required after the minus sign", "a minus sign without a digit after it", nil),
    ("required after the exponent", "a number without a digit after its e", "write 1e3"),
    (
      "probable comment", "a slash outside of a string, as comments have that JSON does not know",
      #"base64 goes into a string: {"image": "…"}"#
    ),
    ("invalid string in json", "a word other than true, false and null", nil),
    ("invalid object key", "a member whose name is not a string in double quotes", nil),
    ("separated by a colon", "a member without a colon after its name", nil),
    ("after key and value", "neither a comma nor } after a member", nil),
    ("after array element", "neither a comma nor ] after an item of a list", nil),
    ("premature EOF", "the end in the middle of the document", nil),
    ("trailing garbage", "trailing text after the document", nil),
  ]

  /// - Parameters:
  ///   - message: What yajl says.
  ///   - offset: Place in the body at which it stopped.
  init(_ message: String, in body: [UInt8], at offset: Int) {
    // It has consumed a character that begins nothing.
    let isConsumed = message.containsText("invalid char in json text")
    self.offset = max(0, isConsumed ? offset - 1 : offset)
    let byte = body[self.offset...].first
    if message.containsText("invalid character inside string") {
      (found, remedy) = Self.insideString(byte)
    } else if let known = Self.messages.first(where: { message.containsText($0.part) }) {
      (found, remedy) = (known.found, known.remedy)
    } else {
      (found, remedy) = Self.outsideString(byte)
    }
  }

  /// Returns the sentence, which `expected` completes.
  func sentence(expected: String) -> String {
    "the JSON has \(found), at byte \(offset)" + (remedy.map { "; \($0)" } ?? "") + "; \(expected)"
  }

  private static func insideString(_ byte: UInt8?) -> (String, String?) {
    switch byte {
    case 0x0a, 0x0d:
      (
        "a line break inside a string",
        #"write base64 in one line, as base64 -w0 does, or each line break as \n"#
      )
    case 0x09: ("a tab inside a string", #"write it as \t"#)
    case let byte?: ("the control character \(hexadecimal(byte)) inside a string", #"write \u00.."#)
    case nil: ("a control character inside a string", nil)
    }
  }

  private static func outsideString(_ byte: UInt8?) -> (String, String?) {
    switch byte {
    case UInt8(ascii: "."): ("a number that begins with a point", "write 0.5 for .5")
    case UInt8(ascii: "+"): ("a number with a plus sign", "leave the sign out")
    case UInt8(ascii: "'"): ("a single quote", "put strings in double quotes")
    case let byte? where 0x21...0x7e ~= byte:
      ("\"\(Character(UnicodeScalar(byte)))\" where it cannot stand", nil)
    case let byte?: ("the byte \(hexadecimal(byte)) where it cannot stand", nil)
    case nil: ("the end in the middle of the document", nil)
    }
  }

  private static func hexadecimal(_ byte: UInt8) -> String {
    "0x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
  }
}
