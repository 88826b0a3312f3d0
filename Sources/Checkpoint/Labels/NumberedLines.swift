/// Lines that have the number of the class before its label, `0 cat` or `0: cat`, in any order.
enum NumberedLines {
  /// Lines that must have the number of their place before some without one count as a fault.
  private static let leastCount = 2

  /// Returns the labels without the numbers, or nil if lines are labels as they are.
  ///
  /// Throws if each line has a number and they are not all from 0 on, or if most lines have the number
  /// of their place and others have none: then either reading may be meant.
  static func labels(
    _ lines: [Substring], path: String
  ) throws(CheckpointError) -> [String]? {
    let items = lines.map(item)
    let numbered = items.compactMap(\.self)
    guard numbered.count == lines.count else {
      let inPlace = items.enumerated().count { $0 == $1?.index }
      guard inPlace >= leastCount, 2 * inPlace > lines.count,
        let line = items.firstIndex(where: { $0 == nil })
      else { return nil }
      throw .labels(
        path: path, line: line + 1,
        reason:
          "it has no number, and \(numbered.count) of \(lines.count) lines begin with one; write "
          + "one before each label or before none, \(remedy)")
    }
    do throws(CheckpointError) {
      return try Labels.ordered(numbered, path: path) { $0 + 1 }
    } catch {
      guard case .labels(let path, let line, let reason) = error else { throw error }
      throw .labels(
        path: path, line: line,
        reason:
          "\(reason); each line begins with a number, so these count as those of the classes: "
          + "write all from 0 on, \(remedy)")
    }
  }

  private static let remedy =
    "or, if the numbers are part of the labels, a JSON list [\"…\", \"…\"]"

  private static func item(_ line: Substring) -> (index: Int, label: String)? {
    let line = line.trimmingSpace
    let digits = line.prefix { $0.isASCII && $0.isNumber }
    var rest = line[digits.endIndex...]
    if rest.first == ":" { rest.removeFirst() }
    guard let index = Int(digits), rest.first?.isWhitespace == true else { return nil }
    let label = rest.trimmingSpace
    return label.isEmpty ? nil : (index, String(label))
  }
}
