import Files
import Glibc

/// Images and their classes in a list: lines of a path, a blank and a class, as ImageNet's `val.txt`
/// has them, or a table of comma- or tab-separated values.
///
///     val/ILSVRC2012_val_00000001.JPEG 65        file,label
///     val/ILSVRC2012_val_00000002.JPEG 970       a b.jpg,"cat, tabby"
///
/// The list is read twice: at first for the names of its classes alone, so that memory does not
/// grow with it.
struct ClassList: LabelledImages {
  /// Limit of names of classes in a list.
  static let nameLimit = 100_000

  private static let pathColumns = ["path", "file", "filename", "file_name", "image", "image_path"]
  private static let labelColumns = [
    "label", "class", "class_name", "target", "category", "class_id", "label_id", "class_index",
    "synset", "wnid",
  ]

  private let list: String
  private let folder: String
  private var rows: Rows
  private var labels: [String: Int] = [:]
  private(set) var total: Int?
  private(set) var notes: [String] = []

  /// - Parameter folder: Folder that relative paths begin in.
  init(
    _ list: String, in folder: String, _ names: ClassNames, allowsUnknown: Bool
  ) throws(Failure) {
    self.list = list
    self.folder = folder.isEmpty || folder.hasSuffix("/") ? folder : folder + "/"
    rows = try Rows(list)
    var counts: [String: Int] = [:]
    while let row = try rows.next() {
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
    rows = try Rows(list)
  }

  mutating func take(_ limit: Int) throws(Failure) -> [LabelledImage] {
    var images: [LabelledImage] = []
    while images.count < limit, let row = try rows.next() {
      guard let label = labels[row.label] else { continue }
      let isWhole = row.path.first == UInt8(ascii: "/")
      let path = isWhole ? row.path : Array(folder.utf8) + row.path
      images.append(LabelledImage(image: ListedImage(path, .file), label: label))
    }
    return images
  }

  /// The rows of a list, whichever form it has.
  private struct Rows: Sendable {
    private enum Form: Sendable {
      case lines(DelimitedReader)
      case table(CSVReader, path: Int, label: Int)
    }

    private let list: String
    private let descriptor: OpenDescriptor
    private var form: Form
    private var line = 0

    init(_ list: String) throws(Failure) {
      self.list = list
      do throws(FileError) { descriptor = try OpenDescriptor(list) } catch {
        throw Failure(error.description)
      }
      let number = descriptor.number
      var first = DelimitedReader(number, delimiter: UInt8(ascii: "\n"), limit: 1 << 16)
      let head = try first.next()?.bytes ?? []
      lseek(number, 0, SEEK_SET)
      let separator = [UInt8(ascii: "\t"), UInt8(ascii: ",")].first(where: head.contains)
      guard let separator, Self.isTable(list, head, separator) else {
        form = .lines(
          DelimitedReader(
            number, delimiter: UInt8(ascii: "\n"), limit: 2 * PathList.pathByteCountLimit))
        return
      }
      var reader = CSVReader(number, separator: separator)
      let fields = try reader.next()?.fields ?? []
      let names = fields.map { String(decoding: $0, as: UTF8.self).lowercased() }
      let path = ClassList.pathColumns.lazy.compactMap { names.firstIndex(of: $0) }.first
      let label = ClassList.labelColumns.lazy.compactMap { names.firstIndex(of: $0) }.first
      if let path, let label {
        form = .table(reader, path: path, label: label)
        return
      }
      guard fields.count == 2 else {
        throw Failure(
          "\(list): the first line must name a column of \(ClassList.pathColumns.joined(separator: ", ")) "
            + "and one of \(ClassList.labelColumns.joined(separator: ", ")), or there must be two columns"
        )
      }
      lseek(number, 0, SEEK_SET)
      form = .table(CSVReader(number, separator: separator), path: 0, label: 1)
    }

    /// Returns whether the first line is that of a table, rather than a path with a comma in it.
    private static func isTable(_ list: String, _ head: [UInt8], _ separator: UInt8) -> Bool {
      if separator == UInt8(ascii: "\t") || list.lowercased().hasSuffix(".csv") { return true }
      return !head.contains(UInt8(ascii: " ")) || head.count { $0 == separator } > 1
    }

    mutating func next() throws(Failure) -> (path: [UInt8], label: String)? {
      switch form {
      case .lines(var reader):
        defer { form = .lines(reader) }
        while let part = try reader.next() {
          line += 1
          var bytes = part.bytes[...]
          while let last = bytes.last, last == 0x20 || last == 0x0d { bytes.removeLast() }
          if bytes.isEmpty { continue }
          guard !part.isCut, let blank = bytes.lastIndex(of: 0x20), blank > 0 else {
            throw Failure("\(list): line \(line): a path, a blank and a class must be there")
          }
          return (Array(bytes[..<blank]), String(decoding: bytes[(blank + 1)...], as: UTF8.self))
        }
        return nil
      case .table(var reader, let path, let label):
        defer { form = .table(reader, path: path, label: label) }
        while true {
          let row: CSVReader.Row
          do throws(Failure) {
            guard let next = try reader.next() else { return nil }
            row = next
          } catch {
            throw Failure("\(list): \(error.message)")
          }
          if row.fields == [[]] { continue }
          guard row.fields.count > max(path, label), !row.fields[path].isEmpty else {
            throw Failure("\(list): line \(row.line): \(row.fields.count) fields, too few")
          }
          return (row.fields[path], String(decoding: row.fields[label], as: UTF8.self))
        }
      }
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
