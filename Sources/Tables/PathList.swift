import Words

/// Paths of images from a list, one per line or with NUL between them, as `find -print0` writes them.
package struct PathList: Sendable {
  /// Bytes of one path: the kernel's own limit, `PATH_MAX`.
  package static let pathByteCountLimit = 4096

  private var reader: DelimitedReader
  private let isNULSeparated: Bool

  /// Reads an open file.
  ///
  /// - Parameter isWanted: Asked while the writer of a pipe has nothing; false ends the list.
  package init(
    _ descriptor: CInt, isNULSeparated: Bool,
    while isWanted: @escaping @Sendable () -> Bool = { true }
  ) {
    self.isNULSeparated = isNULSeparated
    reader = DelimitedReader(
      descriptor, delimiter: Self.delimiter(isNULSeparated), limit: Self.pathByteCountLimit,
      while: isWanted)
  }

  /// Reads bytes in memory.
  package init(_ bytes: [UInt8], isNULSeparated: Bool) {
    self.isNULSeparated = isNULSeparated
    reader = DelimitedReader(
      bytes, delimiter: Self.delimiter(isNULSeparated), limit: Self.pathByteCountLimit)
  }

  private static func delimiter(_ isNULSeparated: Bool) -> UInt8 {
    isNULSeparated ? 0 : UInt8(ascii: "\n")
  }

  /// Whether the next path is there already.
  package var isReady: Bool { reader.isReady }

  /// Returns the bytes of the next path that is not empty, or nil at the end.
  package mutating func next() throws(TableError) -> [UInt8]? {
    while true {
      let isFirst = reader.byteCount == 0
      guard let part = try reader.next() else { return nil }
      var path = isFirst ? ByteOrderMark.dropped(from: part.bytes) : part.bytes[...]
      if !isNULSeparated {
        if isFirst, let encoding = WideText.encoding(markedIn: path) {
          throw TableError(WideText.refusal(of: encoding))
        }
        guard !path.contains(0) else {
          throw TableError("NUL is between its paths: give --null as well")
        }
        // Written by Windows.
        if part.isComplete, path.last == UInt8(ascii: "\r") { path.removeLast() }
      }
      guard !part.isCut else {
        let start = String(decoding: path.prefix(60), as: UTF8.self)
        throw TableError("a path is longer than \(Self.pathByteCountLimit) bytes: \"\(start)…\"")
      }
      if !path.isEmpty { return Array(path) }
    }
  }
}
