import Glibc
import Words

/// The images that a command line asks for: files, folders, patterns, then a list, found while they
/// are classified.
struct ImagePaths: Sendable {
  private let operands: [String]
  private var nextOperand = 0
  private var matches: [ListedImage] = []
  private var nextMatch = 0
  /// Places after the last operand, and the last match, that may stand for any number of images.
  private let openOperandEnd: Int
  private var openMatchEnd = 0
  private var walk: FolderWalk
  private var list: ImageList?
  /// Images that were returned.
  private(set) var count = 0

  init(_ operands: [String], isRecursive: Bool, list: ImageList?) throws(Failure) {
    self.operands = operands
    self.list = list
    walk = FolderWalk(isRecursive: isRecursive)
    openOperandEnd =
      operands.lastIndex {
        Self.isFolder($0) || (PathPattern.isPattern($0) && !Self.isThere($0))
      }.map { $0 + 1 } ?? 0
    for operand in operands where operand.containsText("**") && !Self.isThere(operand) {
      throw Failure(
        "\(operand): ** is not a pattern here; name the folder and give --recursive")
    }
  }

  /// Whether there is one image, which is named by itself, so that nothing need tell its name.
  var isAlone: Bool {
    operands.count == 1 && isPlain
  }

  /// Whether only files are named, each by itself.
  var isPlain: Bool { list == nil && openOperandEnd == 0 }

  var skipped: SkippedFiles { walk.skipped }

  /// Number of all images, or nil as long as it is not known.
  var total: Int? {
    guard list == nil, nextOperand >= openOperandEnd, nextMatch >= openMatchEnd,
      let remaining = walk.remainingCount
    else { return nil }
    return count + remaining + matches.count - nextMatch + operands.count - nextOperand
  }

  /// Returns up to `limit` images, fewer if others would have to be waited for, none at the end.
  mutating func take(_ limit: Int) throws(Failure) -> [ListedImage] {
    var images: [ListedImage] = []
    while images.count < limit {
      if !images.isEmpty, isBesideList, list?.isReady == false { break }
      guard let image = try next() else { break }
      images.append(image)
    }
    count += images.count
    return images
  }

  /// Whether only the list is left.
  private var isBesideList: Bool {
    walk.isAtEnd && nextMatch == matches.count && nextOperand == operands.count
  }

  private mutating func next() throws(Failure) -> ListedImage? {
    while true {
      if let image = walk.next() { return image }
      if nextMatch < matches.count {
        nextMatch += 1
        let match = matches[nextMatch - 1]
        if match.fault != nil { return match }
        if let image = found(match.path, .file) { return image }
      } else if nextOperand < operands.count {
        nextOperand += 1
        if let image = operand(operands[nextOperand - 1]) { return image }
      } else {
        return try list?.next().map { ListedImage($0, .file) }
      }
    }
  }

  private mutating func operand(_ operand: String) -> ListedImage? {
    guard operand != "-", !Self.isThere(operand), errno == ENOENT || errno == ENOTDIR else {
      return found(operand, .operand)
    }
    if PathPattern.isPattern(operand) {
      (matches, nextMatch) = (PathPattern.matches(operand), 0)
      openMatchEnd = matches.lastIndex { Self.isFolder($0.path) }.map { $0 + 1 } ?? 0
      guard matches.isEmpty else { return nil }
      return ListedImage(
        operand, .operand,
        fault: "no file has this name, and as a pattern it matches nothing; check the path")
    }
    // The command line's strings have it in place of what they cannot hold.
    if operand.unicodeScalars.contains("\u{FFFD}") {
      return ListedImage(
        operand, .operand,
        fault: "there is no such file, or its name is not UTF-8: then rename it")
    }
    return ListedImage(operand, .operand)
  }

  /// Returns a file as an image; enters a folder, and returns its fault if it has one.
  private mutating func found(
    _ path: String, _ origin: ListedImage.Origin
  ) -> ListedImage? {
    Self.isFolder(path) ? walk.enter(path) : ListedImage(path, origin)
  }

  private static func isThere(_ path: String) -> Bool {
    var status = stat()
    return unsafe path == "-" || stat(path, &status) == 0
  }

  private static func isFolder(_ path: String) -> Bool {
    var status = stat()
    return unsafe path != "-" && stat(path, &status) == 0
      && status.st_mode & S_IFMT == S_IFDIR
  }
}
