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
    while let row = try list.next() {
      counts[row.label, default: 0] += 1
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
