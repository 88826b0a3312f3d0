import Files
import Glibc
import Tables

/// Images and their classes in a list of any form of `LabelledPaths`.
///
/// The list is read twice: at first for the names of its classes alone, so that memory does not
/// grow with it.
struct ClassList: LabelledImages {
  /// Limit of names of classes in a list.
  static let nameLimit = 100_000
  /// Endings of lists that are tables.
  private static let tableEndings = [".csv", ".tsv", ".tab"]

  private let list: String
  private let folder: String
  private let file: OpenDescriptor
  private var rows: LabelledPaths
  private var labels: [String: Int] = [:]
  private(set) var total: Int?
  private(set) var notes: [String] = []

  /// - Parameter folder: Folder that relative paths begin in.
  init(
    _ list: String, in folder: String, _ names: ClassNames, allowsUnknown: Bool
  ) throws(Failure) {
    self.list = list
    self.folder = folder.isEmpty || folder.hasSuffix("/") ? folder : folder + "/"
    do throws(FileError) { file = try OpenDescriptor(list) } catch {
      throw Failure(error.description)
    }
    rows = try Self.rows(list, file, names)
    var counts: [String: Int] = [:]
    while let row = try nextRow() {
      counts[row.label, default: 0] += 1
      guard counts.count <= Self.nameLimit else {
        throw Failure("\(list): more than \(Self.nameLimit) names of classes")
      }
    }
    var unknown = UnknownClasses()
    for (name, count) in counts.sorted(by: { $0.key < $1.key }) {
      do throws(ClassNames.Unknown) {
        labels[name] = try names.index(of: name)
      } catch {
        unknown.add(error, imageCount: count)
      }
    }
    if let note = try unknown.note(of: "\(list) has names", isAllowed: allowsUnknown) {
      notes.append("\(note) (\(unknown.imageCount) images)")
    }
    total = counts.values.reduce(0, +) - unknown.imageCount
    guard total != 0 else { throw Failure("\(list): it names no image with a class of the model") }
    rows = try Self.rows(list, file, names)
  }

  mutating func take(_ limit: Int) throws(Failure) -> [LabelledImage] {
    var images: [LabelledImage] = []
    while images.count < limit, let row = try nextRow() {
      guard let label = labels[row.label] else { continue }
      let isWhole = row.path.first == UInt8(ascii: "/")
      let path = isWhole ? row.path : Array(folder.utf8) + row.path
      images.append(LabelledImage(image: ListedImage(path, .file), label: label))
    }
    return images
  }

  private static func rows(
    _ list: String, _ file: OpenDescriptor, _ names: ClassNames
  ) throws(Failure) -> LabelledPaths {
    do throws(TableError) {
      return try LabelledPaths(
        CSVReader.lines(of: file.number),
        isTable: tableEndings.contains { list.lowercased().hasSuffix($0) },
        isClass: { (try? names.index(of: $0)) != nil })
    } catch {
      throw Failure("\(list): \(PlainText.line(error.description))")
    }
  }

  private mutating func nextRow() throws(Failure) -> LabelledPaths.Row? {
    do throws(TableError) { return try rows.next() } catch {
      throw Failure("\(list): \(PlainText.line(error.description))")
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
