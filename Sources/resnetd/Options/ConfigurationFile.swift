import Files
import Words

/// Place that an option's value comes from; the first ones win over those after them.
enum OptionOrigin: Sendable, Equatable, CustomStringConvertible {
  case commandLine
  case variable(String)
  /// A line of the configuration file, the first is 1.
  case file(String, line: Int)

  var description: String {
    switch self {
    case .commandLine: "the command line"
    case .variable(let name): "the variable \(name)"
    case .file(let path, let line): "\(path), line \(line)"
    }
  }
}

/// A file of options: a line `name = value` for each, without dashes.
///
/// ```
/// # a comment
/// port = 8080
/// model = /var/lib/resnetd/model.safetensors
/// prefer-model = true
/// ```
///
/// A value is the rest of its line, without blanks around it; there are no quotes or escapes.
struct ConfigurationFile {
  /// Bytes of a file, 256 KiB.
  private static let byteLimit = 256 << 10

  struct Entry {
    let name: String
    let value: String
    let line: Int
  }

  let path: String
  let entries: [Entry]

  /// Reads a file; throws what is wrong with it and where.
  init(_ path: String) throws(UsageError) {
    self.path = path
    let bytes: [UInt8]
    do throws(FileError) {
      bytes = try RegularFile(path).readAll(limit: Self.byteLimit)
    } catch {
      throw UsageError("--config: \(error)")
    }
    // Some editors begin a file with a byte order mark.
    let isMarked = bytes.starts(with: [0xef, 0xbb, 0xbf])
    guard let text = String(validating: bytes.dropFirst(isMarked ? 3 : 0), as: UTF8.self) else {
      throw UsageError("--config: \(path) is not UTF-8")
    }
    var entries: [Entry] = []
    let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    for (index, line) in lines.enumerated() {
      let content = line.trimmed()
      guard !content.isEmpty, content.first != "#" else { continue }
      let parts = content.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2 else {
        throw UsageError(
          "\(path), line \(index + 1): a line is `name = value`, as in `port = 8080`, and not "
            + "\"\(content.prefix(80))\"")
      }
      let entry = Entry(
        name: String(parts[0].trimmed()), value: String(parts[1].trimmed()),
        line: index + 1)
      if let earlier = entries.first(where: { $0.name == entry.name }) {
        throw UsageError(
          "\(path), line \(entry.line): \(entry.name) stands in line \(earlier.line) already")
      }
      entries.append(entry)
    }
    self.entries = entries
  }
}
