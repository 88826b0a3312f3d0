/// Limits of a request's framing; beyond them it is refused.
package struct ParserLimits: Sendable, Hashable {
  /// Bytes of the request line, 8 KiB; beyond it 414.
  package var requestLineByteLimit = 8192
  /// Bytes of all header lines, or of all trailer lines, together, 32 KiB; beyond it 431.
  package var headerByteLimit = 32 * 1024
  /// Header lines, or trailer lines, 100; beyond it 431.
  package var headerCountLimit = 100
  /// Bytes of one chunk's size line with its extensions, 256; beyond it 400.
  package var chunkLineByteLimit = 256
  /// Empty lines tolerated before a request line, 2 (RFC 9112, section 2.2); beyond it 400.
  package static let leadingEmptyLineLimit = 2

  package init() {}
}
