import Tables

/// Images and their classes in a list.
///
/// The list is read twice: at first for the names of its classes alone, so that memory does not
/// grow with it.
struct ClassList: LabelledImages {
  /// Limit of names of classes in a list.
  static let nameLimit = 100_000

  private let folder: String
  private var list: LabelledList
  private var labels: [String: Int] = [:]
  private(set) var total: Int?
  private(set) var notes: [String] = []

  /// - Parameter folder: Folder that relative paths begin in.
  init(
    _ path: String, in folder: String, _ names: ClassNames, allowsUnknown: Bool
  ) throws(Failure) {
    self.folder = folder
    func isClass(_ name: String) -> Bool { (try? names.index(of: name)) != nil }
    list = try LabelledList(path, isClass: isClass)
    var counts: [String: Int] = [:]
    var repetitions = RepeatedRows()
    while let row = try list.next() {
      counts[row.label, default: 0] += 1
      repetitions.add(row, names)
      guard counts.count <= Self.nameLimit else {
        throw Failure("\(path): more than \(Self.nameLimit) names of classes")
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
    if let note = try unknown.note(of: "\(path) has names", isAllowed: allowsUnknown) {
      notes.append("\(note) (\(unknown.imageCount) images)")
    }
    if let note = repetitions.note(path) { notes.append(note) }
    total = counts.values.reduce(0, +) - unknown.imageCount
    guard total != 0 else { throw Failure("\(path): it names no image with a class of the model") }
    try list.restart(isClass: isClass)
  }

  mutating func take(_ limit: Int) throws(Failure) -> [LabelledImage] {
    var images: [LabelledImage] = []
    while images.count < limit, let row = try list.next() {
      guard let label = labels[row.label] else { continue }
      images.append(LabelledImage(image: LabelledList.image(row, in: folder), label: label))
    }
    return images
  }
}

/// Rows of a list that name an image again.
private struct RepeatedRows {
  /// The class of each path's last row, by the path's hash: a few bytes for each row, however long
  /// the path is.
  private var classes: [Int: Int] = [:]
  /// Class of each name; of those that stand for none a number below 0.
  private var known: [String: Int] = [:]
  private var count = 0
  private var contradictingCount = 0
  private var example = ""

  mutating func add(_ row: LabelledPaths.Row, _ names: ClassNames) {
    let label = known[row.label] ?? (try? names.index(of: row.label)) ?? -1 - known.count
    known[row.label] = label
    guard let known = classes.updateValue(label, forKey: row.path.hashValue) else { return }
    if count == 0 { example = String(decoding: row.path.prefix(200), as: UTF8.self) }
    count += 1
    if known != label { contradictingCount += 1 }
  }

  /// Returns a sentence about them; nil if there are none.
  func note(_ list: String) -> String? {
    guard count > 0 else { return nil }
    return
      "\(list): \(Decimal.grouped(count)) \(count == 1 ? "row names" : "rows name") an image that a row before "
      + "names too, first \(PlainText.line(example)): each row counts"
      + (contradictingCount > 0
        ? "; \(Decimal.grouped(contradictingCount)) with another class, of which one must be wrong"
        : "")
  }
}
