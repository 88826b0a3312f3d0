import Training

/// Division of the images into those that are learned from and those that judge the result, with
/// everything that would make the judgement too good kept on one side.
struct DataSplit {
  struct Rules {
    /// Share of each class that is held out where the folder does not say it.
    var heldOutShare: Float
    var seed: UInt64
    /// What of a path names a group, if groups are to be kept together.
    var grouping: GroupPattern?
    /// Whether an image may have several labels: the same file under each of them.
    var hasIndependentLabels = false
  }

  /// Images of the smallest class below which none are held out: so few say nothing, and each is
  /// needed to learn from.
  static let heldOutMinimum = 20
  private static let shownCount = 5

  private(set) var learned: [SurveyedImage] = []
  private(set) var heldOut: [SurveyedImage] = []
  /// Group of each learned image.
  private(set) var groups: [Int] = []
  /// Sentences about what is not used, or not as the folder says.
  var notes: [String] = []

  let folder: TrainingFolder
  /// Labels of each image, by its index in the folder; nil if each has one class.
  var labelSets: [Int: [Int]]?

  init(_ folder: TrainingFolder, _ surveyed: [SurveyedImage], _ rules: Rules) throws(Failure) {
    self.folder = folder
    var images = surveyed
    if rules.hasIndependentLabels { joinLabels(&images) } else { leaveOutContradictions(&images) }
    if folder.isDivided { leaveOutCopies(&images) }
    var all = try joined(images, rules)
    let groups = images.indices.map { all.root(of: $0) }
    let labels = images.map { label(of: $0) }
    try checkClasses(images)
    try checkLabels(images)
    noteLoneGroups(images, groups: groups)
    let isHeldOut = sides(images, labels: labels, groups: groups, rules)
    var judged: Set<[UInt8]> = []
    for (place, image) in images.enumerated() {
      if isHeldOut[place] {
        // Copies tell nothing more, and would make the interval narrower than it is.
        if judged.insert(image.digest).inserted { heldOut.append(image) }
      } else {
        learned.append(image)
        self.groups.append(groups[place])
      }
    }
  }

  /// Classes, or independent labels.
  var labelCount: Int { folder.classes.count }

  var imageCount: Int { learned.count + heldOut.count }

  /// Whether an image may have several labels.
  var hasIndependentLabels: Bool { labelSets != nil }

  /// The word for what folders mean.
  private var kind: String { hasIndependentLabels ? "label" : "class" }

  /// Class of an image; of one with independent labels the rarest of them, or the number of labels if
  /// it has none.
  func label(of image: SurveyedImage) -> Int {
    labelSets?[image.index]?.first ?? folder.images[image.index].label
  }

  /// Labels of an image: one class, or any number of independent labels.
  func labels(of image: SurveyedImage) -> [Int] {
    labelSets == nil ? [folder.images[image.index].label] : labelSets?[image.index] ?? []
  }

  func path(of image: SurveyedImage) -> String { folder.images[image.index].image.path }

  /// Returns how many images of each class there are.
  func counts(of images: [SurveyedImage]) -> [Int] {
    var counts = [Int](repeating: 0, count: folder.classes.count)
    for image in images { for label in labels(of: image) { counts[label] += 1 } }
    return counts
  }

  /// Removes files that are under two classes: nobody knows which is right.
  private mutating func leaveOutContradictions(_ images: inout [SurveyedImage]) {
    var classes: [[UInt8]: Set<Int>] = [:]
    for image in images { classes[image.digest, default: []].insert(label(of: image)) }
    let doubtful = images.filter { classes[$0.digest].map { $0.count > 1 } ?? false }
    guard !doubtful.isEmpty else { return }
    images.removeAll { classes[$0.digest].map { $0.count > 1 } ?? false }
    notes.append(
      "left out: \(Decimal.grouped(doubtful.count)) files that are the same under several classes ("
        + shown(doubtful) + ")")
  }

  /// Removes held-out files that are learned too.
  private mutating func leaveOutCopies(_ images: inout [SurveyedImage]) {
    let learned = Set(
      images.filter { folder.images[$0.index].side == .learned }.map(\.digest))
    let copies = images.filter {
      folder.images[$0.index].side == .heldOut && learned.contains($0.digest)
    }
    guard !copies.isEmpty else { return }
    images.removeAll {
      folder.images[$0.index].side == .heldOut && learned.contains($0.digest)
    }
    notes.append(
      "not judged by: \(Decimal.grouped(copies.count)) held-out files that are among the learned "
        + "ones too (\(shown(copies)))")
  }

  /// Joins copies, images that look the same, and those of one named group.
  private mutating func joined(
    _ images: [SurveyedImage], _ rules: Rules
  ) throws(Failure) -> Groups {
    var groups = Groups(count: images.count)
    var first: [[UInt8]: Int] = [:]
    var copyCount = 0
    for (place, image) in images.enumerated() {
      if let other = first[image.digest] {
        groups.join(other, place)
        copyCount += 1
      } else {
        first[image.digest] = place
      }
    }
    if copyCount > 0 {
      notes.append(
        "\(Decimal.grouped(copyCount)) files are copies of others of their class, and judge nothing"
      )
    }
    joinSimilar(images, &groups)
    if let grouping = rules.grouping {
      var named: [String: Int] = [:]
      var sides: [String: Set<TrainingFolder.Side>] = [:]
      for (place, name) in try grouping.groups(of: images.map { path(of: $0) }).enumerated() {
        guard let name else { continue }
        if let other = named[name] { groups.join(other, place) } else { named[name] = place }
        sides[name, default: []].insert(folder.images[images[place].index].side)
      }
      notes.append(
        "\(Decimal.grouped(named.count)) groups by \(grouping.text)"
          + fate(of: named.count, dividedCount: sides.values.count { $0.count > 1 }))
    }
    return groups
  }

  /// Says what becomes of so many named groups.
  private func fate(of count: Int, dividedCount: Int) -> String {
    if count == 0 { return ": it matches no path" }
    guard folder.isDivided else { return ", each kept on one side" }
    return dividedCount == 0
      ? ", each on one side as the folder has it"
      : "; \(Decimal.grouped(dividedCount)) of them are among the learned and the held-out images, as the "
        + "folder has it, which makes the result look better than it is"
  }

  private mutating func joinSimilar(_ images: [SurveyedImage], _ groups: inout Groups) {
    let similar = SimilarImages(images.map(\.likeness))
    var across: [SurveyedImage] = []
    var doubtful: [SurveyedImage] = []
    for (a, b) in similar.pairs where images[a].digest != images[b].digest {
      let (one, other) = (folder.images[images[a].index], folder.images[images[b].index])
      if Set(labels(of: images[a])) != Set(labels(of: images[b])) {
        doubtful += [images[a], images[b]]
      }
      if one.side != other.side { across.append(one.side == .heldOut ? images[a] : images[b]) }
    }
    for (a, b) in similar.pairs { groups.join(a, b) }
    if !doubtful.isEmpty {
      notes.append(
        "look alike but have different \(hasIndependentLabels ? "labels" : "classes"): "
          + "\(shown(doubtful)); see whether these are right")
    }
    if !across.isEmpty {
      notes.append(
        "\(Decimal.grouped(Set(across.map(\.index)).count)) held-out images look like learned ones, "
          + "which makes the result look better than it is (\(shown(across)))")
    }
    if !similar.isComplete {
      notes.append("too many images look alike to compare all of them")
    }
  }

  /// Says which classes lie in one group, so that no image of theirs can judge the others.
  private mutating func noteLoneGroups(_ images: [SurveyedImage], groups: [Int]) {
    var groupsOfClass: [Int: Set<Int>] = [:]
    for (image, group) in zip(images, groups) {
      for label in labels(of: image) { groupsOfClass[label, default: []].insert(group) }
    }
    let lone = folder.classes.indices.filter { groupsOfClass[$0]?.count == 1 }
    guard !lone.isEmpty, !folder.isDivided else { return }
    notes.append(
      "all images of a \(kind) are one group or a single one, so that nothing can be judged about "
        + "it: "
        + TrainingFolder.shown(lone.map { folder.classes[$0] }))
  }

  /// Throws if nothing is left to learn of a class.
  private func checkClasses(_ images: [SurveyedImage]) throws(Failure) {
    let left = images.filter { folder.images[$0.index].side != .heldOut }
    for (label, count) in counts(of: left).enumerated() where count == 0 {
      throw Failure(
        "no image of \"\(folder.classes[label])\" is left to learn from"
          + (notes.isEmpty ? ": none can be read" : "; " + notes.joined(separator: "; ")))
    }
  }

  /// Returns which images are held out.
  private mutating func sides(
    _ images: [SurveyedImage], labels: [Int], groups: [Int], _ rules: Rules
  ) -> [Bool] {
    if folder.isDivided { return images.map { folder.images[$0.index].side == .heldOut } }
    let none = [Bool](repeating: false, count: images.count)
    guard rules.heldOutShare > 0 else { return none }
    var seen: Set<[UInt8]> = []
    let smallest = counts(of: images.filter { seen.insert($0.digest).inserted }).min() ?? 0
    guard smallest >= Self.heldOutMinimum else {
      notes.append(
        "the smallest \(kind) has \(smallest) images, fewer than \(Self.heldOutMinimum): none are held "
          + "out, and the result is judged by cross-validation")
      return none
    }
    return StratifiedParts.heldBack(
      share: Double(rules.heldOutShare), labels: labels, groups: groups, seed: rules.seed)
  }

  func shown(_ images: [SurveyedImage]) -> String {
    var paths: [String] = []
    for image in images {
      let path = PlainText.line(path(of: image))
      if !paths.contains(path) { paths.append(path) }
    }
    return paths.prefix(Self.shownCount).joined(separator: ", ")
      + (paths.count > Self.shownCount ? " and \(paths.count - Self.shownCount) more" : "")
  }
}
