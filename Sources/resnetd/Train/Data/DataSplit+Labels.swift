/// Images whose labels are independent of each other.
extension DataSplit {
  /// Returns 1 for each label that an image has, and 0 for the others.
  func targets(of image: SurveyedImage) -> [Float] {
    var targets = [Float](repeating: 0, count: folder.classes.count)
    for label in labels(of: image) { targets[label] = 1 }
    return targets
  }

  /// Returns what an image's outputs answer: the first of the likeliest classes, or each label whose
  /// number is not below the threshold.
  func answer(_ numbers: [Float], threshold: Float) -> Set<Int> {
    if hasIndependentLabels { return Set(numbers.indices.filter { numbers[$0] >= threshold }) }
    return Set(numbers.max().flatMap { numbers.firstIndex(of: $0) }.map { [$0] } ?? [])
  }

  /// Makes one image of the copies of a file under several labels, on each side by itself.
  mutating func joinLabels(_ images: inout [SurveyedImage]) {
    struct Key: Hashable {
      var digest: [UInt8]
      var isHeldOut: Bool
    }
    func key(_ image: SurveyedImage) -> Key {
      Key(digest: image.digest, isHeldOut: folder.images[image.index].side == .heldOut)
    }
    var sets: [Key: Set<Int>] = [:]
    for image in images {
      let listed = folder.images[image.index]
      sets[key(image), default: []].formUnion([listed.label] + listed.otherLabels)
    }
    let none = folder.classes.count
    let doubtful = images.filter { image in
      let labels = sets[key(image)] ?? []
      return labels.count > 1 && labels.contains(none)
    }
    if !doubtful.isEmpty {
      let digests = Set(doubtful.map { key($0) })
      images.removeAll { digests.contains(key($0)) }
      notes.append(
        "left out: \(Decimal.grouped(doubtful.count)) files that are under a label and among those "
          + "without any (\(shown(doubtful)))")
    }
    let fileCount = images.count
    var seen: Set<Key> = []
    images.removeAll { !seen.insert(key($0)).inserted }
    var counts = [Int](repeating: 0, count: none + 1)
    for image in images { for label in sets[key(image)] ?? [] { counts[label] += 1 } }
    var joined: [Int: [Int]] = [:]
    for image in images {
      joined[image.index] = (sets[key(image)] ?? []).filter { $0 < none }
        .sorted { (counts[$0], $0) < (counts[$1], $1) }
    }
    labelSets = joined
    if fileCount > images.count {
      notes.append(
        "\(Decimal.grouped(fileCount)) files are \(Decimal.grouped(images.count)) images, which have "
          + "\(Decimal.grouped(joined.values.reduce(0) { $0 + $1.count })) labels together")
    }
  }

  /// Throws if a label is on all images, so that nothing tells what it is.
  func checkLabels(_ images: [SurveyedImage]) throws(Failure) {
    guard hasIndependentLabels else { return }
    let left = images.filter { folder.images[$0.index].side != .heldOut }
    let all = counts(of: left).firstIndex { $0 == left.count }
    guard let all else { return }
    throw Failure(
      "every image has the label \"\(folder.classes[all])\", so that nothing can be learned about it: "
        + "add images without it, in a folder that --negatives names if they have no label at all")
  }
}
