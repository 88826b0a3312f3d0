/// Text in units of two or four bytes, as far as the first bytes of a file tell it.
package enum WideText {
  /// Returns the name that iconv has for the encoding of a file that begins with its byte order
  /// mark; nil for anything else.
  package static func encoding(markedIn start: some Collection<UInt8>) -> String? {
    let bytes = Array(start.prefix(4))
    switch bytes {
    case [0xff, 0xfe, 0, 0], [0, 0, 0xfe, 0xff]: return "UTF-32"
    default:
      return [[0xff, 0xfe], [0xfe, 0xff]].contains(Array(bytes.prefix(2))) ? "UTF-16" : nil
    }
  }

  /// Returns the same for a file without a mark too, if every second one of its first bytes is 0.
  package static func encoding(likelyIn start: some Collection<UInt8>) -> String? {
    if let marked = encoding(markedIn: start) { return marked }
    let isZero = start.prefix(4).map { $0 == 0 }
    switch isZero {
    case [false, true, false, true]: return "UTF-16LE"
    case [true, false, true, false]: return "UTF-16BE"
    default: return nil
    }
  }

  /// What to say of a file in an encoding that is not read, and what to do about it.
  package static func refusal(of encoding: String) -> String {
    "it is text in \(encoding), and is read as UTF-8: save it as UTF-8, or convert it by `iconv -f "
      + "\(encoding) -t UTF-8 FILE > NEW`"
  }
}
