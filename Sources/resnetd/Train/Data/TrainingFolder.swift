import Checkpoint
import Words

/// Images to learn from, in a folder for each class, unless a `TrainingList` names them:
///
///     DIR/CLASS/…                           divided by the program
///     DIR/train/CLASS/…  DIR/val/CLASS/…    divided already
struct TrainingFolder {
  /// What an image is for.
  enum Side: Sendable {
    case learned
    case heldOut
    /// The program decides.
    case open
  }

  struct Image: Sendable {
    var image: ListedImage
    /// Index in `classes`; the number of classes for an image that has none of them.
    var label: Int
    /// Further labels, where they are independent of each other.
    var otherLabels: [Int] = []
    var side: Side
  }

  static let classLimit = 100_000
  static let imageLimit = 20_000_000

  /// Names in whatever case; the first that is there counts.
  static let learnedNames = ["train", "training"]
  static let heldOutNames = [
    "val", "valid", "validate", "validation", "dev", "eval", "evaluation", "test", "testing",
  ]

  let path: String
  /// Name of the folder of images without any label; nil if there is none.
  private let negatives: String?
  /// Names of the classes in natural order (`class2` before `class10`): the labels of the model.
  private(set) var classes: [String] = []
  private(set) var images: [Image] = []
  /// Sentences about what was found and is not used.
  private(set) var notes: [String] = []
  /// Whether the folder says which images are held out.
  private(set) var isDivided = false

  init(path: String, classes: [String], images: [Image], notes: [String], isDivided: Bool) {
    (self.path, self.classes, self.images, negatives) = (path, classes, images, nil)
    (self.notes, self.isDivided) = (notes, isDivided)
  }

  /// Returns what images are for that a name such as `train` or `val` stands for.
  static func side(named name: String) -> Side? {
    let name = name.lowercased()
    if learnedNames.contains(name) { return .learned }
    return heldOutNames.contains(name) ? .heldOut : nil
  }

  /// - Parameter negatives: Name of the folder of images without any label.
  init(_ folder: String, negatives: String? = nil) throws(Failure) {
    path = folder
    self.negatives = negatives
    let top = try ClassFolder.all(in: folder)
    let learned = Self.learnedNames.lazy.compactMap { name in
      top.folders.first { $0.name.lowercased() == name }
    }.first
    let heldOut = Self.heldOutNames.lazy.compactMap { name in
      top.folders.first { $0.name.lowercased() == name }
    }.first
    guard let learned, try ClassFolder.all(in: learned.path).hasFolders else {
      try checkNames(top, heldOut)
      try take(top, .open, in: folder)
      return
    }
    let others = top.folders.map(\.name).filter { $0 != learned.name && $0 != heldOut?.name }
    if !others.isEmpty {
      notes.append(
        "left alone: \(Self.shown(others)) beside \(learned.name)"
          + (heldOut.map { " and \($0.name)" } ?? ""))
    }
    guard let heldOut, try ClassFolder.all(in: heldOut.path).hasFolders else {
      try checkNames(top, beside: learned)
      try take(try ClassFolder.all(in: learned.path), .open, in: learned.path)
      return
    }
    isDivided = true
    try take(try ClassFolder.all(in: learned.path), .learned, in: learned.path)
    try takeHeldOut(try ClassFolder.all(in: heldOut.path), in: heldOut.path)
  }

  /// Throws if a division into parts was probably meant, and the folder to learn from has no name of
  /// one: its parts would be taken for classes.
  private func checkNames(_ top: ClassFolder.Found, _ heldOut: ClassFolder?) throws(Failure) {
    for entry in top.folders {
      guard let meant = Suggestion.nearest(to: entry.name, among: Self.learnedNames),
        try ClassFolder.all(in: entry.path).holdsFoldersAlone
      else { continue }
      // A folder alone cannot be a class.
      var isDivision = top.folders.count == 1
      for other in top.folders where other.name != entry.name && !isDivision {
        let isNamed =
          other.name == heldOut?.name
          || Suggestion.nearest(to: other.name, among: Self.heldOutNames) != nil
        if isNamed { isDivision = try ClassFolder.all(in: other.path).holdsFoldersAlone }
      }
      if isDivision { throw Self.misspelt(entry, meant) }
    }
  }

  /// Throws if a folder beside the one to learn from was probably meant to hold images to judge by.
  private func checkNames(
    _ top: ClassFolder.Found, beside learned: ClassFolder
  ) throws(Failure) {
    let classes = Set(try ClassFolder.all(in: learned.path).folders.map(\.name))
    for entry in top.folders where entry.name != learned.name {
      guard let meant = Suggestion.nearest(to: entry.name, among: Self.heldOutNames),
        try ClassFolder.all(in: entry.path).folders.contains(where: { classes.contains($0.name) })
      else { continue }
      throw Self.misspelt(entry, meant)
    }
  }

  private static func misspelt(_ entry: ClassFolder, _ meant: String) -> Failure {
    Failure(
      "\(PlainText.line(entry.path)): did you mean \(meant)? Rename it, or take it out of the folder"
    )
  }

  /// Takes in the folders of classes that are learned.
  private mutating func take(
    _ found: ClassFolder.Found, _ side: Side, in folder: String
  ) throws(Failure) {
    note(found, in: folder)
    guard found.folders.count > 1 else {
      let only = found.folders.first.map { "one folder only, \"\(PlainText.line($0.name))\"," }
      throw Failure(
        "\(folder): \(only ?? "no folder") in it; it must hold a folder of images for each class, "
          + "two or more")
    }
    guard found.folders.count <= Self.classLimit else {
      throw Failure("\(folder): more than \(Self.classLimit) folders")
    }
    if let negatives, !found.folders.contains(where: { $0.name == negatives }) {
      throw Failure("--negatives \(negatives): there is no such folder in \(folder)")
    }
    let labelled = found.folders.filter { $0.name != negatives }
    var next = 0
    for entry in found.folders {
      let label = entry.name == negatives ? labelled.count : next
      next += entry.name == negatives ? 0 : 1
      if let fault = Labels.faultOfNew(entry.name) {
        throw Failure("\(entry.path): its name cannot be a label: \(fault)")
      }
      let count = try append(entry, label, side)
      guard count > 0 else {
        throw Failure(
          "\(entry.path): no image in it, so that nothing can be learned about "
            + "\"\(entry.name)\"; add some or remove the folder")
      }
    }
    classes = labelled.map(\.name)
  }

  private mutating func takeHeldOut(
    _ found: ClassFolder.Found, in folder: String
  ) throws(Failure) {
    note(found, in: folder)
    var missing = classes
    for entry in found.folders {
      let none = entry.name == negatives ? classes.count : nil
      guard let label = classes.firstIndex(of: entry.name) ?? none else {
        throw Failure(
          "\(entry.path): no class of this name is among those to learn (\(Self.shown(classes))); "
            + "rename or remove the folder")
      }
      if try append(entry, label, .heldOut) > 0 { missing.removeAll { $0 == entry.name } }
    }
    if !missing.isEmpty {
      notes.append("without an image in \(folder), so not judged: \(Self.shown(missing))")
    }
  }

  /// Takes in a class's images, and returns their number.
  private mutating func append(
    _ entry: ClassFolder, _ label: Int, _ side: Side
  ) throws(Failure) -> Int {
    var walk = FolderWalk(isRecursive: true)
    if let fault = walk.enter(entry.path) {
      throw Failure("\(fault.path): \(fault.fault ?? "it cannot be listed")")
    }
    var count = 0
    while let image = walk.next() {
      images.append(Image(image: image, label: label, side: side))
      count += 1
      guard images.count <= Self.imageLimit else {
        throw Failure("\(path): more than \(Self.imageLimit) images")
      }
    }
    if !walk.skipped.phrases.isEmpty {
      notes.append(
        "passed over in \(entry.name): " + walk.skipped.phrases.joined(separator: ", "))
    }
    return count
  }

  private mutating func note(_ found: ClassFolder.Found, in folder: String) {
    if found.fileCount > 0 {
      notes.append("passed over: \(found.fileCount) files in \(folder) beside the folders")
    }
    if !found.hiddenNames.isEmpty {
      notes.append("passed over: hidden folders in \(folder): \(Self.shown(found.hiddenNames))")
    }
  }

  /// Returns the first few names.
  static func shown(_ names: [String]) -> String {
    let limit = 8
    let quoted = names.prefix(limit).map { PlainText.line(String($0.prefix(60))) }
    return quoted.joined(separator: ", ")
      + (names.count > limit ? " and \(names.count - limit) more" : "")
  }
}

/// A folder in a folder, whose name is that of a class or of a part of the images.
private struct ClassFolder {
  let name: String
  let path: String

  struct Found {
    var folders: [ClassFolder] = []
    /// Files beside the folders, hidden ones not counted.
    var fileCount = 0
    /// Folders whose names begin with a dot.
    var hiddenNames: [String] = []

    var hasFolders: Bool { !folders.isEmpty }

    /// Whether it holds no images itself.
    var holdsFoldersAlone: Bool { hasFolders && fileCount == 0 }
  }

  /// Lists the folders in a folder, in natural order.
  static func all(in folder: String) throws(Failure) -> Found {
    let listing: FolderListing
    do throws(Failure) { listing = try FolderListing(folder) } catch {
      throw Failure("\(folder): \(error.message)")
    }
    let prefix = folder.hasSuffix("/") ? folder : folder + "/"
    var found = Found()
    for index in 0..<listing.count {
      let entry = ListedImage(Array(listing.name(at: index)), .file)
      let isHidden = entry.path.hasPrefix(".")
      switch listing.kind(at: index) {
      case .folder where isHidden, .folderLink where isHidden:
        found.hiddenNames.append(entry.path)
      case .folder, .folderLink:
        if let fault = entry.fault { throw Failure("\(prefix)\(entry.path): \(fault)") }
        found.folders.append(ClassFolder(name: entry.path, path: prefix + entry.path))
      default: found.fileCount += isHidden ? 0 : 1
      }
    }
    found.hiddenNames.sort()
    found.folders.sort { NaturalOrder.precedes($0.name, $1.name) }
    return found
  }
}

/// Order of names in which numbers count as such: `class2` before `class10`.
enum NaturalOrder {
  static func precedes(_ a: String, _ b: String) -> Bool {
    var (first, second) = (a.unicodeScalars[...], b.unicodeScalars[...])
    while let x = first.first, let y = second.first {
      if isDigit(x), isDigit(y) {
        let (one, other) = (takeNumber(&first), takeNumber(&second))
        if one != other { return (one.count, one) < (other.count, other) }
      } else {
        if x != y { return x < y }
        first.removeFirst()
        second.removeFirst()
      }
    }
    // Names that differ in leading zeros only.
    return first.isEmpty && second.isEmpty ? a < b : first.isEmpty
  }

  private static func isDigit(_ scalar: Unicode.Scalar) -> Bool { "0"..."9" ~= scalar }

  /// Takes a number's digits, without leading zeros.
  private static func takeNumber(_ text: inout Substring.UnicodeScalarView) -> String {
    let digits = text.prefix(while: isDigit)
    text = text.dropFirst(digits.count)
    return String(Substring(digits.drop { $0 == "0" }))
  }
}
