import Checkpoint
import Glibc
import Tables
import Words

/// Reader of a list of images to learn from: a path and a class in each row, with several rows, or
/// several names in one, for an image that has independent labels.
struct TrainingList {
  private struct Entry {
    var image: ListedImage
    /// Numbers of names; empty for an image without any label.
    var names: [Int]
    /// Number of the word for its part, nil without one.
    var part: Int?
  }

  private let path: String
  /// Folder that relative paths begin in.
  private let base: String
  private let negatives: String?
  /// What separates names in a field; nil where a field is one name.
  private let separator: String?
  private let hasIndependentLabels: Bool
  private var entries: [Entry] = []
  /// Place of a path among the entries, where an image may come again with another label.
  private var places: [String: Int] = [:]
  private var names = Numbering()
  private var parts = Numbering()

  /// - Parameters:
  ///   - folder: Folder that relative paths begin in.
  ///   - negatives: Name that stands for no label at all.
  init(
    _ path: String, in folder: String, negatives: String?, separator: String?,
    hasIndependentLabels: Bool
  ) throws(Failure) {
    (self.path, self.base) = (path, folder)
    (self.negatives, self.separator) = (negatives, separator)
    self.hasIndependentLabels = hasIndependentLabels
    var list = try LabelledList(path) { _ in false }
    while let row = try list.next() {
      try append(row, in: folder)
      guard entries.count <= TrainingFolder.imageLimit else {
        throw Failure("\(path): more than \(TrainingFolder.imageLimit) images")
      }
    }
    guard !entries.isEmpty else { throw Failure("\(path): it names no image") }
  }

  private mutating func append(
    _ row: LabelledPaths.Row, in folder: String
  ) throws(Failure) {
    var numbers: [Int] = []
    for name in try labels(of: row) where name != negatives {
      if let fault = Labels.faultOfNew(name) {
        throw Failure(
          "\(path): line \(row.line): \"\(PlainText.line(name))\" cannot be a label: \(fault)")
      }
      numbers.append(names.number(of: name))
      guard names.list.count <= TrainingFolder.classLimit else {
        throw Failure("\(path): more than \(TrainingFolder.classLimit) classes")
      }
    }
    var part: Int?
    if let word = row.part {
      guard TrainingFolder.side(named: word) != nil else {
        throw Failure(
          "\(path): line \(row.line): \"\(PlainText.line(word))\" says for what an image is; it may "
            + "be \((TrainingFolder.learnedNames + TrainingFolder.heldOutNames).joined(separator: ", "))"
        )
      }
      part = parts.number(of: word.lowercased())
    }
    let image = LabelledList.image(row, in: folder)
    guard hasIndependentLabels else {
      entries.append(Entry(image: image, names: numbers, part: part))
      return
    }
    guard let place = places[image.path] else {
      places[image.path] = entries.count
      entries.append(Entry(image: image, names: numbers, part: part))
      return
    }
    guard entries[place].part == part else {
      throw Failure(
        "\(path): line \(row.line): \(PlainText.line(image.path)) is to be learned and to judge by; "
          + "it can be one of both")
    }
    entries[place].names += numbers.filter { !entries[place].names.contains($0) }
  }

  /// Returns the names in a row's field.
  private func labels(of row: LabelledPaths.Row) throws(Failure) -> [String] {
    guard hasIndependentLabels else {
      guard !row.label.isEmpty else {
        throw Failure(
          "\(path): line \(row.line): the class is empty; where images may have no label at all, "
            + "--activation sigmoid learns independent ones")
      }
      return [row.label]
    }
    guard let separator else { return row.label.isEmpty ? [] : [row.label] }
    return row.label.parts(between: separator).map { String($0.trimmed) }.filter { !$0.isEmpty }
  }

  /// Throws if images are not there: what would be learned without them is not what the list says, and
  /// looking for them takes no time beside learning.
  private func checkPresence(of images: [TrainingFolder.Image]) throws(Failure) {
    let missing = images.filter { unsafe access($0.image.path, F_OK) != 0 && errno == ENOENT }
    guard let first = missing.first else { return }
    let (count, all) = (Decimal.grouped(missing.count), Decimal.grouped(images.count))
    throw Failure(
      "\(path): of the \(all) files that it names \(count) \(missing.count == 1 ? "is" : "are") not there, "
        + "first \(PlainText.line(first.image.path)); relative paths begin in \(PlainText.line(base)): "
        + "name another folder, or correct the list")
  }

  /// A sentence about names that are probably several labels in one; nil if there are none.
  private var joinedNote: String? {
    guard let joined = JoinedNames(names.list, known: separator) else { return nil }
    let separator = "--label-separator '\(joined.separator)'"
    let remedy =
      !hasIndependentLabels
      ? "if images may have several labels, --activation sigmoid with \(separator) learns each by itself"
      : self.separator == nil
        ? "\(separator) takes them apart" : "is --label-separator the right one?"
    return "\(Decimal.grouped(joined.count)) of \(Decimal.grouped(names.list.count)) names have "
      + "\"\(joined.separator)\" in them, such as \"\(PlainText.line(String(joined.example.prefix(60))))\", "
      + "and each is one \(hasIndependentLabels ? "label" : "class"); \(remedy)"
  }

  /// Returns the images with their classes, and which of them are held out.
  func folder(at place: String) throws(Failure) -> TrainingFolder {
    let order = names.list.indices.sorted {
      NaturalOrder.precedes(names.list[$0], names.list[$1])
    }
    var index = [Int](repeating: 0, count: order.count)
    for (number, name) in order.enumerated() { index[name] = number }
    let hasNegatives = entries.contains { $0.names.isEmpty }
    guard order.count > 1 || (order.count == 1 && hasNegatives) else {
      let only = names.list.first.map { "\"\(PlainText.line($0))\" alone" } ?? "none"
      throw Failure(
        "\(path): of classes it names \(only); it must name two or more, or one label and images "
          + "without it")
    }
    if let negatives, !hasNegatives {
      throw Failure("--negatives \(negatives): \(path) has no image of this name")
    }
    var notes = [joinedNote].compactMap(\.self)
    // As in folders, the first of the words for images to judge by counts.
    let judging = TrainingFolder.heldOutNames.lazy.compactMap { name in
      parts.list.firstIndex(of: name)
    }.first
    var leftAlone: [Int: Int] = [:]
    var images: [TrainingFolder.Image] = []
    for entry in entries {
      var side = TrainingFolder.Side.open
      if let part = entry.part, let judging {
        let isLearned = TrainingFolder.side(named: parts.list[part]) == .learned
        guard isLearned || part == judging else {
          leftAlone[part, default: 0] += 1
          continue
        }
        side = isLearned ? .learned : .heldOut
      }
      let labels = entry.names.map { index[$0] }.sorted()
      images.append(
        TrainingFolder.Image(
          image: entry.image, label: labels.first ?? order.count,
          otherLabels: Array(labels.dropFirst()), side: side))
    }
    for (part, count) in leftAlone.sorted(by: { $0.key < $1.key }) {
      notes.append("left alone: \(Decimal.grouped(count)) images of \(parts.list[part])")
    }
    if judging != nil, !images.contains(where: { $0.side == .learned }) {
      throw Failure("\(path): all images are to judge by, and none is to be learned")
    }
    try checkPresence(of: images)
    return TrainingFolder(
      path: place, classes: order.map { names.list[$0] }, images: images, notes: notes,
      isDivided: judging != nil)
  }
}

/// Numbers of texts, from 0, in the order in which they came first.
private struct Numbering {
  private(set) var list: [String] = []
  private var numbers: [String: Int] = [:]

  mutating func number(of text: String) -> Int {
    if let number = numbers[text] { return number }
    numbers[text] = list.count
    list.append(text)
    return list.count - 1
  }
}

extension Substring {
  /// The text without blanks at its ends.
  fileprivate var trimmed: Substring {
    var text = self
    while text.first?.isWhitespace == true { text.removeFirst() }
    while text.last?.isWhitespace == true { text.removeLast() }
    return text
  }
}
