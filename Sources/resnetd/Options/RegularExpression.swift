import CPCRE2

/// A regular expression in the syntax of Perl, matched by PCRE2 in Unicode.
@safe
package final class RegularExpression: Sendable {
  package enum Fault: Error {
    /// It is no regular expression, or there is no memory.
    case malformed
    /// Matching was given up, as it has to be where the time doubles with each letter.
    case overLimit
  }

  /// Version of PCRE2 as loaded, such as `10.42`.
  static var libraryVersion: String {
    let count = Int(pcre2_config_8(UInt32(PCRE2_CONFIG_VERSION), nil))
    guard count > 0 else { return "unknown" }
    var text = [CChar](repeating: 0, count: count)
    // SAFETY: as many bytes as the library has just asked for, its NUL included.
    unsafe pcre2_config_8(UInt32(PCRE2_CONFIG_VERSION), &text)
    let number = text.prefix { $0 > 0x20 }
    return String(decoding: number.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  // SAFETY: never changed after `init`, as PCRE2 wants it to be used by several threads.
  private nonisolated(unsafe) let code: OpaquePointer

  package init(_ text: String) throws(Fault) {
    var (error, offset): (CInt, Int) = (0, 0)
    let bytes = Array(text.utf8)
    let code = unsafe pcre2_compile_8(
      bytes, bytes.count, PCRE2_UTF | PCRE2_UCP, &error, &offset, nil)
    guard let code = unsafe code else { throw .malformed }
    unsafe self.code = code
  }

  deinit { unsafe pcre2_code_free_8(code) }

  /// Returns what its first match has in the first capture that takes part, or else as a whole; nil
  /// without a match.
  package func captured(in text: String) throws(Fault) -> String? {
    let bytes = Array(text.utf8)
    guard let places = try places(in: bytes) else { return nil }
    let place = places.dropFirst().first { $0 != nil } ?? places[0]
    return place.map { String(decoding: bytes[$0], as: UTF8.self) }
  }

  /// Returns the bytes of its first match and those of each capture, nil for one that takes no part.
  private func places(in bytes: [UInt8]) throws(Fault) -> [Range<Int>?]? {
    guard let match = unsafe pcre2_match_data_create_from_pattern_8(code, nil) else {
      throw .overLimit
    }
    defer { unsafe pcre2_match_data_free_8(match) }
    let count = unsafe pcre2_match_8(code, bytes, bytes.count, 0, 0, match, nil)
    if count == PCRE2_ERROR_NOMATCH { return nil }
    guard count > 0, let ends = unsafe pcre2_get_ovector_pointer_8(match) else { throw .overLimit }
    return (0..<Int(count)).map { index in
      // SAFETY: the match data has a pair of offsets for the match and each capture.
      let (start, end) = unsafe (ends[2 * index], ends[2 * index + 1])
      // What takes no part is at the largest number, which is -1 here.
      return 0...bytes.count ~= start && start...bytes.count ~= end ? start..<end : nil
    }
  }
}
