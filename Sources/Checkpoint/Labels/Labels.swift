import CImageNet
import Words

/// A file with the names of the classes.
///
/// One label per line in order of the classes or after the number of the class, or what other tools
/// write of it: a JSON list, a JSON object of numbers and names either way round, a table with a
/// header.
package enum Labels {
  package static let fileByteCountLimit = 64 << 20
  /// UTF-8 bytes of one label.
  package static let labelByteCountLimit = 1024

  private static let emptyFile = "the file is empty; write one label on each line"

  /// Reads labels of any of the forms, without space around them.
  ///
  /// An empty line is an error but at the end, because it would shift the labels after it.
  package static func read(path: String) throws(CheckpointError) -> [String] {
    try contents(path: path).labels
  }

  /// Reads labels like `read`, with what an operator should know of how they were read.
  package static func contents(
    path: String
  ) throws(CheckpointError) -> (labels: [String], note: String?) {
    let bytes = try ModelBytes(mapping: path)
    guard bytes.count <= fileByteCountLimit else {
      throw .overLimit(what: "bytes of \(path)", value: bytes.count, limit: fileByteCountLimit)
    }
    return try contents(bytes, path: path)
  }

  /// Reads labels from bytes in memory; `path` is their name in errors.
  package static func read(bytes: [UInt8], path: String) throws(CheckpointError) -> [String] {
    guard !bytes.isEmpty else { throw .labels(path: path, line: 1, reason: Self.emptyFile) }
    return try contents(ModelBytes(copying: bytes), path: path).labels
  }

  private static func contents(
    _ bytes: ModelBytes, path: String
  ) throws(CheckpointError) -> (labels: [String], note: String?) {
    let mark: [UInt8] = [0xef, 0xbb, 0xbf]
    let hasMark =
      bytes.count >= mark.count && mark.indices.allSatisfy { bytes.byte(at: $0) == mark[$0] }
    let start = hasMark ? mark.count : 0
    guard let given = bytes.text(in: start..<bytes.count) else {
      if let encoding = wideEncoding(of: bytes) {
        throw .labels(path: path, line: 1, reason: WideText.refusal(of: encoding))
      }
      let line = ByteText.firstOtherLine(of: (start..<bytes.count).map { bytes.byte(at: $0) })
      throw .labels(
        path: path, line: line ?? 1,
        reason: "it is not UTF-8, which the file must be in: \(ByteText.remedy)")
    }
    if let encoding = wideEncoding(of: bytes) {
      throw .labels(path: path, line: 1, reason: WideText.refusal(of: encoding))
    }
    let text = withLineFeeds(given)
    if let labels = try LabelDocument.labels(text, path: path) { return (labels, nil) }
    let lines = try lines(of: text, path: path)
    if let labels = try LabelTable(text, path: path).labels() { return (labels, nil) }
    if let labels = try ListedLines.labels(lines, path: path) {
      for (index, label) in labels.enumerated() {
        if let fault = fault(in: label) {
          throw .labels(path: path, line: index + 1, reason: fault)
        }
      }
      return (
        labels,
        "each line of \(path) begins with \"- \", as in YAML, which is not part of the label"
      )
    }
    if let labels = try NumberedLines.labels(lines, path: path) {
      return (
        labels,
        "each line of \(path) begins with the number of its class, which is not part of the label"
      )
    }
    if let labels = try NumberedLines.labelsBeforeNumbers(lines, path: path) {
      return (
        labels,
        "each line of \(path) ends with the number of its class, which is not part of the label"
      )
    }
    var labels: [String] = []
    for (index, line) in lines.enumerated() {
      let label = String(line.trimmingSpace)
      if let fault = fault(in: label) { throw .labels(path: path, line: index + 1, reason: fault) }
      labels.append(label)
    }
    return (labels, noteOfComments(in: labels, path: path))
  }

  /// Returns a note where some labels look like comments, which no form of the file has.
  private static func noteOfComments(in labels: [String], path: String) -> String? {
    let isComment = { (label: String) in label.hasPrefix("#") || label.hasPrefix("//") }
    guard let index = labels.firstIndex(where: isComment), !labels.allSatisfy(isComment) else {
      return nil
    }
    return "line \(index + 1) of \(path) looks like a comment, and is a label as each line is; "
      + "remove it if it is none"
  }

  /// Returns text whose lines end with carriage returns alone with line feeds in their place.
  private static func withLineFeeds(_ text: String) -> String {
    guard text.utf8.contains(UInt8(ascii: "\r")), !text.utf8.contains(UInt8(ascii: "\n")) else {
      return text
    }
    return text.replacingText("\r", with: "\n")
  }

  /// Returns the name of the encoding if its units are not bytes.
  private static func wideEncoding(of bytes: ModelBytes) -> String? {
    WideText.encoding(likelyIn: (0..<min(4, bytes.count)).map { bytes.byte(at: $0) })
  }

  /// Returns the lines without their ends and without empty ones after the last.
  private static func lines(
    of text: String, path: String
  ) throws(CheckpointError) -> [Substring] {
    // Splits bytes, because CR LF as one Character is neither of the two.
    var lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
      .map { Substring($0) }
    while lines.last?.trimmingSpace.isEmpty == true { lines.removeLast() }
    if lines.isEmpty { throw .labels(path: path, line: 1, reason: Self.emptyFile) }
    return lines
  }

  /// Describes why a string cannot be a label, or returns nil if it can.
  package static func fault(in label: String) -> String? {
    if label.isEmpty { return "the label is empty" }
    if label.utf8.count > labelByteCountLimit {
      return "the label has \(label.utf8.count) bytes, at most \(labelByteCountLimit) are allowed"
    }
    if label.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) {
      return "the label has a control character"
    }
    if label.unicodeScalars.contains("\u{feff}") {
      return "the label has a byte order mark; remove it"
    }
    return nil
  }

  /// Describes why a string cannot be the label of a class that is to be learned.
  ///
  /// Blanks at its ends are refused too, though models of others may have them: who reads the label
  /// does not see them, and a file of labels loses them.
  package static func faultOfNew(_ label: String) -> String? {
    if let fault = fault(in: label) { return fault }
    let trimmed = label[...].trimmingSpace
    if trimmed.isEmpty { return "the label is blank" }
    return trimmed.utf8.count == label.utf8.count
      ? nil : "the label has a blank at its beginning or end; leave it out"
  }

  /// Puts labels with their classes' numbers in order; these must be all from 0 on, once each.
  ///
  /// - Parameter line: Line of each item, or nil for all to be on the first.
  static func ordered(
    _ items: [(index: Int, label: String)], path: String, line: (Int) -> Int = { _ in 1 }
  ) throws(CheckpointError) -> [String] {
    var labels = [String?](repeating: nil, count: items.count)
    for (position, item) in items.enumerated() {
      let label = String(item.label[...].trimmingSpace)
      func fail(_ reason: String) -> CheckpointError {
        .labels(path: path, line: line(position), reason: reason)
      }
      guard items.indices.contains(item.index) else {
        throw fail(
          "class \(item.index) of \(items.count) labels, which are those of the classes 0 to "
            + "\(items.count - 1); numbers begin with 0 and leave none out")
      }
      if let other = labels[item.index] {
        throw fail(
          "class \(item.index) has two labels, \"\(other.prefix(40))\" and \"\(label.prefix(40))\"")
      }
      if let fault = fault(in: label) { throw fail("class \(item.index): \(fault)") }
      labels[item.index] = label
    }
    return labels.map { $0 ?? "" }
  }
}

extension Substring {
  var trimmingSpace: Substring {
    var rest = self
    while rest.first?.isWhitespace == true { rest.removeFirst() }
    while rest.last?.isWhitespace == true { rest.removeLast() }
    return rest
  }
}

extension Labels {
  /// Names of ImageNet's 1000 classes in torchvision's words; the header of CImageNet states their
  /// source.
  package static var imageNet: [String] {
    // SAFETY: constant text of the length given, as long-lived as the program.
    unsafe lines(
      UnsafeRawBufferPointer(start: imagenet_labels_bytes(), count: imagenet_labels_byte_count()))
  }

  /// WordNet's numbers of the same classes in the same order, `n01440764` and so on: the names of
  /// ImageNet's folders.
  package static var imageNetSynsets: [String] {
    // SAFETY: as above.
    unsafe lines(
      UnsafeRawBufferPointer(
        start: imagenet_synsets_bytes(), count: imagenet_synsets_byte_count()))
  }

  @unsafe
  private static func lines(_ text: UnsafeRawBufferPointer) -> [String] {
    unsafe text.split(separator: UInt8(ascii: "\n")).map { line in
      unsafe String(decoding: line, as: UTF8.self)
    }
  }

  /// Share of ImageNet's names that must be found: other programs have other words for some.
  private static let imageNetShare = 0.9

  /// Returns whether labels are those of ImageNet's 1000 classes in their order, in torchvision's
  /// words or with all names of a class, as in `tench, Tinca tinca`.
  package static func areImageNet(_ labels: [String]) -> Bool {
    let names = imageNet
    guard labels.count == names.count else { return false }
    let matchCount = zip(labels, names).count { label, name in
      label.split(separator: ",").contains {
        $0.trimmingSpace.lowercased().replacingText("_", with: " ") == name.lowercased()
      }
    }
    return Double(matchCount) >= Double(names.count) * imageNetShare
  }
}
