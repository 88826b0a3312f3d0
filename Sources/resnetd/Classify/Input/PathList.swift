import Glibc

/// Paths of images from a file or standard input, one per line or with NUL between them, as `find
/// -print0` writes them.
struct PathList: Sendable {
  /// Bytes of one path: the kernel's own limit, `PATH_MAX`.
  static let pathByteCountLimit = 4096

  private var reader: DelimitedReader
  private let isNULSeparated: Bool
  private let name: String

  /// Opens the list; `-` is standard input.
  ///
  /// - Parameter isWanted: Asked while the writer of a pipe has nothing; false ends the list.
  init(
    _ path: String, isNULSeparated: Bool, while isWanted: @escaping @Sendable () -> Bool
  ) throws(Failure) {
    let descriptor = path == "-" ? STDIN_FILENO : unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw Failure(
        "--files-from \(path): cannot open it: \(unsafe String(cString: strerror(errno)))")
    }
    self.isNULSeparated = isNULSeparated
    name = path == "-" ? "standard input" : path
    reader = DelimitedReader(
      descriptor, delimiter: isNULSeparated ? 0 : UInt8(ascii: "\n"),
      limit: Self.pathByteCountLimit, while: isWanted)
  }

  /// Whether the next path is there already.
  var isReady: Bool { reader.isReady }

  /// Returns the bytes of the next path that is not empty, or nil at the end.
  mutating func next() throws(Failure) -> [UInt8]? {
    while true {
      let part: DelimitedReader.Part
      do throws(Failure) {
        guard let next = try reader.next() else { return nil }
        part = next
      } catch {
        throw Failure("--files-from: \(name) \(error.message)")
      }
      var path = part.bytes[...]
      if !isNULSeparated {
        guard !path.contains(0) else {
          throw Failure("--files-from: \(name) has NUL between its paths: give --null as well")
        }
        // Written by Windows.
        if part.isComplete, path.last == UInt8(ascii: "\r") { path.removeLast() }
      }
      guard !part.isCut else {
        let start = String(decoding: path.prefix(60), as: UTF8.self)
        throw Failure(
          "--files-from: \(name): a path is longer than \(Self.pathByteCountLimit) bytes: "
            + "\"\(PlainText.line(start))…\"")
      }
      if !path.isEmpty { return Array(path) }
    }
  }
}
