import Files
import Glibc
import Tables

/// The list of `--files-from`: a file or standard input.
struct ImageList: Sendable {
  private var paths: PathList
  private let name: String

  /// Opens the list; `-` is standard input.
  ///
  /// - Parameter isWanted: Asked while the writer of a pipe has nothing; false ends the list.
  init(
    _ path: String, isNULSeparated: Bool, while isWanted: @escaping @Sendable () -> Bool
  ) throws(Failure) {
    let descriptor = path == "-" ? STDIN_FILENO : unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw Failure("--files-from \(path): cannot open it: \(SystemError.text())")
    }
    name = path == "-" ? "standard input" : path
    paths = PathList(descriptor, isNULSeparated: isNULSeparated, while: isWanted)
  }

  /// Whether the next path is there already.
  var isReady: Bool { paths.isReady }

  /// Returns the bytes of the next path that is not empty, or nil at the end.
  mutating func next() throws(Failure) -> [UInt8]? {
    do throws(TableError) { return try paths.next() } catch {
      throw Failure("--files-from: \(name): \(PlainText.line(error.description))")
    }
  }
}
