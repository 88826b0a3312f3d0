/// Lines that have the number of the class before its label, in any order: `0 cat`, `0: cat`, `0:cat`,
/// `0 : cat`, `0. cat`, `0) cat`, `0=cat`, `0 - cat`; or after it: `cat 0`, `cat: 0`, `cat=0`.
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
      if let line = lineOfUnknownForm(lines) {
        throw .labels(
          path: path, line: line,
          reason:
            "each line begins with the number of its place, in a form that is not read; write "
            + "\"0 cat\", \(remedy)")
      }
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

  /// Returns the labels of lines that end with the numbers of their classes, or nil if lines are
  /// labels as they are: `class 0`, `Boeing 737`.
  ///
  /// Throws if the numbers are from 1 on, or may be either the classes' or part of the labels.
  static func labelsBeforeNumbers(
    _ lines: [Substring], path: String
  ) throws(CheckpointError) -> [String]? {
    let items = lines.compactMap(itemBeforeNumber)
    guard items.count == lines.count, items.count >= leastCount else { return nil }
    let numbers = items.map(\.index)
    let isFromZero = numbers.sorted() == Array(items.indices)
    let isFromOne = numbers.sorted() == Array(1...items.count)
    guard isFromZero || isFromOne else { return nil }
    if Set(items.map(\.label)).count < items.count {
      // Words alone do not tell these labels apart, so the numbers belong to them.
      if numbers == numbers.sorted() { return nil }
      throw .labels(
        path: path, line: 1,
        reason:
          "each line ends with a number, which may be that of the class or part of its label; "
          + "write the labels as a JSON list [\"…\", \"…\"]")
    }
    guard isFromZero else {
      throw .labels(
        path: path, line: 1,
        reason:
          "each line ends with a number from 1 on, and those of the classes are from 0 on: write "
          + "them so, \(remedy)")
    }
    return try Labels.ordered(items, path: path) { $0 + 1 }
  }

  /// Returns the first line that has no number in a form that is read, if all have that of their place
  /// behind a sign at most; nil otherwise.
  private static func lineOfUnknownForm(_ lines: [Substring]) -> Int? {
    guard lines.count >= leastCount else { return nil }
    for (index, line) in lines.enumerated() {
      let text = line.trimmingSpace
      let rest = text.drop { "([{#".contains($0) }
      let digits = rest.prefix { $0.isASCII && $0.isNumber }
      let after = rest[digits.endIndex...]
      guard text.utf8.count - rest.utf8.count <= 1, Int(digits) == index, let sign = after.first,
        !sign.isLetter, !(sign == "." && after.dropFirst().first?.isNumber == true)
      else { return nil }
    }
    return (lines.firstIndex { item($0) == nil } ?? 0) + 1
  }

  private static func itemBeforeNumber(_ line: Substring) -> (index: Int, label: String)? {
    let line = line.trimmingSpace
    let digits = line.reversed().prefix { $0.isASCII && $0.isNumber }
    var rest = line.dropLast(digits.count)
    guard let index = Int(String(digits.reversed())), let last = rest.last else { return nil }
    let isSeparated = last.isWhitespace || ":=".contains(last)
    rest = rest.trimmingSpace
    if let sign = rest.last, ":=".contains(sign) { rest = rest.dropLast().trimmingSpace }
    return isSeparated && !rest.isEmpty ? (index, String(rest)) : nil
  }

  private static let remedy =
    "or, if the numbers are part of the labels, a JSON list [\"…\", \"…\"]"

  /// Returns what follows a number and what separates the two; nil if nothing does.
  private static func label(_ rest: Substring) -> Substring? {
    guard let sign = rest.first else { return nil }
    let after = rest.dropFirst()
    if ":=".contains(sign) {
      let text = after.trimmingSpace
      let isQuoted = text.first == "'" || text.first == "\""
      return isQuoted ? ListedLines.plain(text).map { Substring($0) } ?? text : text
    }
    // Of other signs words begin as well: 0.5 mm, 3-D.
    if ".)".contains(sign), after.first?.isWhitespace == true { return after.trimmingSpace }
    guard sign.isWhitespace else { return nil }
    let text = rest.trimmingSpace
    guard let next = text.first, ":=-".contains(next), text.dropFirst().first?.isWhitespace == true
    else { return text }
    return text.dropFirst().trimmingSpace
  }

  private static func item(_ line: Substring) -> (index: Int, label: String)? {
    let line = line.trimmingSpace
    let digits = line.prefix { $0.isASCII && $0.isNumber }
    let rest = line[digits.endIndex...]
    guard let index = Int(digits), let label = label(rest), !label.isEmpty else { return nil }
    return (index, String(label))
  }
}
