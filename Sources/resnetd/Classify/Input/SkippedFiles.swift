import JSON

/// Counts of what lies in folders and is not classified.
struct SkippedFiles: Sendable, Equatable {
  /// Limit of endings that are told apart.
  private static let endingLimit = 200
  /// Endings that a summary shows, the most frequent ones.
  private static let shownEndingCount = 6
  private static let endingByteCountLimit = 20

  var hiddenCount = 0
  /// Files without an ending whose first bytes are not those of an image.
  var unnamedCount = 0
  var specialCount = 0
  /// Links without an ending that lead to nothing or in a circle.
  var brokenLinkCount = 0
  /// Folders below the given ones, without `--recursive`.
  var subfolderCount = 0
  /// Folders that are being read or were read, to which a link leads once more.
  var repeatedFolderCount = 0
  private(set) var endings: [String: Int] = [:]
  private var otherCount = 0

  /// Counts a file by the ending of its name.
  mutating func add(ending: String) {
    let ending = ending.lowercased()
    if endings[ending] != nil || endings.count < Self.endingLimit,
      ending.utf8.count <= Self.endingByteCountLimit
    {
      endings[ending, default: 0] += 1
    } else {
      otherCount += 1
    }
  }

  mutating func add(_ other: SkippedFiles) {
    hiddenCount += other.hiddenCount
    unnamedCount += other.unnamedCount
    specialCount += other.specialCount
    brokenLinkCount += other.brokenLinkCount
    subfolderCount += other.subfolderCount
    repeatedFolderCount += other.repeatedFolderCount
    otherCount += other.otherCount
    for (ending, count) in other.endings {
      if endings[ending] != nil || endings.count < Self.endingLimit {
        endings[ending, default: 0] += count
      } else {
        otherCount += count
      }
    }
  }

  /// Phrases such as `2 hidden`; empty if nothing was skipped.
  var phrases: [String] {
    var phrases: [String] = []
    func add(_ count: Int, _ text: String) { if count > 0 { phrases.append("\(count) \(text)") } }
    let sorted = endings.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
    for (ending, count) in sorted.prefix(Self.shownEndingCount) {
      add(
        count,
        !ending.isEmpty
          ? PlainText.line("." + ending)
          : count == 1 ? "whose name ends with a dot" : "whose names end with a dot")
    }
    let rest = sorted.dropFirst(Self.shownEndingCount).reduce(otherCount) { $0 + $1.value }
    add(rest, "with other endings")
    add(
      unnamedCount,
      unnamedCount == 1
        ? "without an ending that is not an image" : "without an ending that are not images")
    add(hiddenCount, "hidden")
    add(
      brokenLinkCount,
      brokenLinkCount == 1
        ? "link that leads to nothing or in a circle" : "links that lead to nothing or in a circle")
    add(specialCount, specialCount == 1 ? "pipe, socket or device" : "pipes, sockets or devices")
    add(
      repeatedFolderCount,
      repeatedFolderCount == 1
        ? "folder that a link leads to again" : "folders that links lead to again")
    add(
      subfolderCount,
      subfolderCount == 1
        ? "subfolder (--recursive enters it)" : "subfolders (--recursive enters them)")
    return phrases
  }
}
