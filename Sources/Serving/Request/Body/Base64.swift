/// Base64 (RFC 4648, sections 4 and 5) in a JSON string, decoded in place.
///
///     [blanks] [data:TYPE;base64,] digit digit digit digit … [=[=]] [blanks]
///
/// Read as programs write it: in lines or not, with padding or without, in the alphabet for URLs
/// too, but not in both at once.
///
/// Whoever decodes a form makes a blank of each `+`. So a blank, U+0020, may stand only where no
/// digit can be missing: between whole groups of four digits, at a line's end as inside a line, if
/// the groups are whole up to the end, and around padding. Tabs and line ends may stand anywhere.
enum Base64 {
  /// Reason why a string is not base64.
  struct Fault: Error {
    let reason: String
  }

  /// Clause that says what is allowed and what to do.
  private static let remedy =
    "allowed are letters, digits, + and / or - and _, = at the end, and line ends: encode the bytes "
    + "of the image's file, as base64 -w0 FILE does"

  /// Limit of a data URL's characters before its data.
  static let prefixLengthLimit = 256

  /// The six bits that each byte stands for. The upper two tell the digits that only one alphabet
  /// has, `standard` and `forURLs`; both of them are no digit.
  private static let values: [UInt8] = {
    var values = [UInt8](repeating: none, count: 256)
    let common = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    for (index, byte) in common.utf8.enumerated() { values[Int(byte)] = UInt8(index) }
    for (index, byte) in "+/".utf8.enumerated() { values[Int(byte)] = standard | UInt8(62 + index) }
    for (index, byte) in "-_".utf8.enumerated() { values[Int(byte)] = forURLs | UInt8(62 + index) }
    return values
  }()

  private static let standard: UInt8 = 0x40
  private static let forURLs: UInt8 = 0x80
  private static let none: UInt8 = 0xc0
  private static let padding = UInt32(UInt8(ascii: "="))

  /// Overwrites the string's bytes with the decoded ones, which are fewer, and returns their range.
  ///
  /// After a failure the string is partly overwritten.
  static func decode(_ bytes: inout [UInt8], _ range: Range<Int>) throws(Fault) -> Range<Int> {
    let values = values
    var string = EscapedString(range)
    var group = Group(blankOffset: try readPrefix(bytes, &string))
    var write = range.lowerBound
    while let character = string.next(bytes) {
      let value = character < 256 ? values[Int(character)] : none
      guard value < none else {
        try group.read(character, bytes, &string)
        continue
      }
      group.alphabets |= value
      guard group.alphabets < none, group.paddingCount == 0 else {
        throw group.fault(character, string.offset - 1)
      }
      group.bits = group.bits << 6 | UInt32(value & 0x3f)
      group.digitCount += 1
      guard group.digitCount == 4 else { continue }
      bytes[write] = UInt8(truncatingIfNeeded: group.bits >> 16)
      bytes[write + 1] = UInt8(truncatingIfNeeded: group.bits >> 8)
      bytes[write + 2] = UInt8(truncatingIfNeeded: group.bits)
      write += 3
      (group.bits, group.digitCount) = (0, 0)
    }
    try group.checkEnd()
    if group.digitCount == 2 {
      bytes[write] = UInt8(truncatingIfNeeded: group.bits >> 4)
      write += 1
    } else if group.digitCount == 3 {
      bytes[write] = UInt8(truncatingIfNeeded: group.bits >> 10)
      bytes[write + 1] = UInt8(truncatingIfNeeded: group.bits >> 2)
      write += 2
    }
    guard write > range.lowerBound else { throw Fault(reason: "it holds no bytes; \(remedy)") }
    return range.lowerBound..<write
  }

  /// Reads blanks and a data URL's beginning (RFC 2397), if there are any; returns the offset of a
  /// blank before the first digit.
  private static func readPrefix(
    _ bytes: [UInt8], _ string: inout EscapedString
  ) throws(Fault) -> Int? {
    let blankOffset = skipBlanks(bytes, &string)
    if string.continues(with: "http:", bytes) || string.continues(with: "https:", bytes) {
      throw Fault(reason: "it is an address, which is not fetched; send the image itself")
    }
    if string.continues(with: "b'", bytes) {
      throw Fault(
        reason: "it is how Python prints bytes (b'…'); "
          + "send base64.b64encode(image).decode() instead of str()")
    }
    guard string.continues(with: "data:", bytes) else { return blankOffset }
    var prefix: [UInt8] = []
    while let character = string.next(bytes), prefix.count < prefixLengthLimit {
      if character == UInt32(UInt8(ascii: ",")) {
        let text = String(decoding: prefix, as: UTF8.self).lowercased()
        guard text.hasSuffix(";base64") else {
          throw Fault(
            reason: "it is a data URL without ;base64 before its comma; send "
              + "data:image/jpeg;base64, and base64 after it")
        }
        return skipBlanks(bytes, &string)
      }
      prefix.append(UInt8(truncatingIfNeeded: character))
    }
    throw Fault(
      reason: "it is a data URL without a comma in its first \(prefixLengthLimit) characters; send "
        + "data:image/jpeg;base64, and base64 after it")
  }

  /// Passes over blanks and line ends; returns the offset of the first U+0020 among them.
  @discardableResult
  fileprivate static func skipBlanks(
    _ bytes: [UInt8], _ string: inout EscapedString
  ) -> Int? {
    var blankOffset: Int?
    var next = string
    while let character = next.next(bytes), isBlank(character) {
      if character == 0x20, blankOffset == nil { blankOffset = string.offset }
      string = next
    }
    return blankOffset
  }

  /// A line end, blank or tab.
  fileprivate static func isBlank(_ character: UInt32) -> Bool {
    character == 0x20 || (0x09...0x0d ~= character && character != 0x0b)
  }

  /// Up to four digits, and what has been seen before them.
  private struct Group {
    var bits: UInt32 = 0
    var digitCount = 0
    var paddingCount = 0
    /// All values so far, for their upper bits.
    var alphabets: UInt8 = 0
    /// Offset of a blank among the digits, which a "+" may have been.
    private var blankOffset: Int?

    init(blankOffset: Int?) { self.blankOffset = blankOffset }

    /// Reads padding, or all blanks and line ends from here on. Throws for anything else.
    mutating func read(
      _ character: UInt32, _ bytes: [UInt8], _ string: inout EscapedString
    ) throws(Fault) {
      let offset = string.offset - 1
      guard isBlank(character) else {
        guard character == padding, paddingCount < 2, digitCount + paddingCount + 1 <= 4,
          digitCount > 1
        else { throw fault(character, offset) }
        paddingCount += 1
        return
      }
      let later = skipBlanks(bytes, &string)
      guard let blank = character == 0x20 ? offset : later, paddingCount == 0 else { return }
      var rest = string
      guard rest.next(bytes) != padding else { return }
      guard digitCount == 0 else { throw Self.fault(blankAt: blank) }
      blankOffset = blank
    }

    /// Throws if the digits cannot end here.
    func checkEnd() throws(Fault) {
      if digitCount > 0, paddingCount == 0, let blankOffset {
        throw Self.fault(blankAt: blankOffset)
      }
      switch (digitCount, paddingCount) {
      case (0, 0), (2, 0), (2, 2), (3, 0), (3, 1): return
      case (1, _):
        throw Fault(
          reason: "one digit is left over after groups of four; the end may be missing: send all "
            + "of the string")
      default:
        throw Fault(
          reason: "its padding is not whole: \(digitCount) digits take "
            + (digitCount == 2 ? "==" : "=") + ", or nothing")
      }
    }

    /// Returns the fault of a character that cannot stand at this offset.
    func fault(_ character: UInt32, _ offset: Int) -> Fault {
      let found = Self.shown(character)
      if alphabets >= none, values[Int(character)] < none {
        let isForURLs = values[Int(character)] & forURLs != 0
        return Fault(
          reason: "byte \(offset) of its string is \(found), of the alphabet "
            + (isForURLs
              ? "for URLs after + or / of the standard one" : "with + and / after - or _")
            + "; use one alphabet")
      }
      let place =
        paddingCount > 0 ? ", after padding" : character == padding ? ", where none can be" : ""
      return Fault(reason: "byte \(offset) of its string is \(found)\(place); \(Base64.remedy)")
    }

    private static func fault(blankAt offset: Int) -> Fault {
      Fault(
        reason: "byte \(offset) of its string is a blank, where a + may have been lost; send + as "
          + "%2B in forms and addresses, and base64 without blanks")
    }

    private static func shown(_ character: UInt32) -> String {
      switch character {
      case 0x21...0x7e: "\"\(Character(UnicodeScalar(UInt8(character))))\""
      case 0x80...0xff: "0x" + String(character, radix: 16)
      default:
        "U+" + String(repeating: "0", count: max(0, 4 - String(character, radix: 16).count))
          + String(character, radix: 16, uppercase: true)
      }
    }
  }
}
