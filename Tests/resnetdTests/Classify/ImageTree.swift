import Foundation
import Glibc

/// A folder of images for commands that take folders.
struct ImageTree {
  let folder: TemporaryFolder
  private let sample: Data

  var path: String { folder.url.path }

  init() throws {
    folder = try TemporaryFolder()
    sample = try Data(contentsOf: URL(fileURLWithPath: ProgramUnderTest.sampleImage))
  }

  /// Adds a copy of the sample image, and the folders that it lies in.
  @discardableResult
  func image(_ name: String) throws -> String { try file(name, sample) }

  /// Adds another file.
  @discardableResult
  func file(_ name: String, _ data: Data = Data("not an image".utf8)) throws -> String {
    let url = folder.url.appendingPathComponent(name)
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try data.write(to: url)
    return url.path
  }

  /// Adds a copy of the sample whose name has any bytes.
  func image(named bytes: [UInt8]) throws {
    let path = (Array("\(path)/".utf8) + bytes + [0]).map { CChar(bitPattern: $0) }
    let descriptor = unsafe path.withUnsafeBufferPointer {
      unsafe open($0.baseAddress!, O_WRONLY | O_CREAT, 0o600)
    }
    guard descriptor >= 0 else { throw POSIXError(.EIO) }
    try FileHandle(fileDescriptor: descriptor, closeOnDealloc: true).write(contentsOf: sample)
  }

  func link(_ name: String, to target: String) throws {
    try FileManager.default.createSymbolicLink(
      atPath: "\(path)/\(name)", withDestinationPath: target)
  }

  /// Returns the rows of a table, each with its fields; RFC 4180 with quotes.
  static func rows(_ text: String) -> [[String]] {
    var rows: [[String]] = [[""]]
    var isQuoted = false
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": isQuoted.toggle()
      case "," where !isQuoted: rows[rows.count - 1].append("")
      case "\n" where !isQuoted: rows.append([""])
      default: rows[rows.count - 1][rows[rows.count - 1].count - 1].unicodeScalars.append(scalar)
      }
    }
    return rows.dropLast()
  }

  /// Returns the JSON objects of a text, one a line.
  static func lines(_ text: String) throws -> [[String: Any]] {
    try text.split(separator: "\n").map {
      try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] ?? [:]
    }
  }
}
