import Files
import Glibc
import Tables

/// A file that lists images and names of what they show, in any form of `LabelledPaths`.
struct LabelledList: Sendable {
  /// Endings of lists that are tables.
  private static let tableEndings = [".csv", ".tsv", ".tab"]

  let path: String
  private let file: OpenDescriptor
  private var rows: LabelledPaths

  /// - Parameter isClass: Whether a name is that of a class, where that decides how the list is to be
  ///   read.
  init(_ path: String, isClass: (String) -> Bool) throws(Failure) {
    self.path = path
    do throws(FileError) { file = try OpenDescriptor(path) } catch {
      throw Failure(error.description)
    }
    rows = try Self.rows(path, file, isClass)
  }

  /// Goes back to the first row.
  mutating func restart(isClass: (String) -> Bool) throws(Failure) {
    rows = try Self.rows(path, file, isClass)
  }

  /// Returns the next row, nil at the end.
  mutating func next() throws(Failure) -> LabelledPaths.Row? {
    do throws(TableError) { return try rows.next() } catch {
      throw Failure("\(path): \(PlainText.line(error.description))")
    }
  }

  /// Returns the image of a row; relative paths begin in `folder`.
  static func image(_ row: LabelledPaths.Row, in folder: String) -> ListedImage {
    let isWhole = row.path.first == UInt8(ascii: "/")
    let prefix = folder.isEmpty || folder.hasSuffix("/") ? folder : folder + "/"
    return ListedImage(isWhole ? row.path : Array(prefix.utf8) + row.path, .file)
  }

  private static func rows(
    _ path: String, _ file: OpenDescriptor, _ isClass: (String) -> Bool
  ) throws(Failure) -> LabelledPaths {
    do throws(TableError) {
      return try LabelledPaths(
        CSVReader.lines(of: file.number),
        isTable: tableEndings.contains { path.lowercased().hasSuffix($0) }, isClass: isClass)
    } catch {
      throw Failure("\(path): \(PlainText.line(error.description))")
    }
  }
}

/// A regular file's descriptor, closed with its last owner.
private final class OpenDescriptor: Sendable {
  let number: CInt

  init(_ path: String) throws(FileError) {
    let file = try RegularFile(path)
    number = dup(file.descriptor)
    guard number >= 0 else { throw FileError("open", path) }
  }

  deinit { close(number) }
}
