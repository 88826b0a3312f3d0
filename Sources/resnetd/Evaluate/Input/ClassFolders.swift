/// Images in a folder for each class: `DIR/CLASS/…`, with everything below.
struct ClassFolders: LabelledImages {
  /// Limit of folders.
  static let folderLimit = 100_000

  private var walks: [(label: Int, walk: FolderWalk)] = []
  private var nextWalk = 0
  private var count = 0
  private var skipped = SkippedFiles()
  private var faults: [ListedImage] = []
  private var ownNotes: [String] = []

  init(_ folder: String, _ names: ClassNames, allowsUnknown: Bool) throws(Failure) {
    let listing: FolderListing
    do throws(Failure) { listing = try FolderListing(folder) } catch {
      throw Failure("\(folder): \(error.message)")
    }
    let prefix = folder.hasSuffix("/") ? folder : folder + "/"
    var unknown = UnknownClasses()
    var (besideCount, hiddenCount) = (0, 0)
    for index in 0..<listing.count {
      let kind = listing.kind(at: index)
      let entry = ListedImage(Array(listing.name(at: index)), .file)
      guard kind == .folder || kind == .folderLink else {
        besideCount += entry.path.hasPrefix(".") ? 0 : 1
        continue
      }
      guard !entry.path.hasPrefix(".") else {
        hiddenCount += 1
        continue
      }
      do throws(ClassNames.Unknown) {
        if entry.fault != nil { throw .init(name: entry.path, reason: "not UTF-8") }
        var walk = FolderWalk(isRecursive: true)
        let label = try names.index(of: entry.path)
        if let fault = walk.enter(prefix + entry.path) { faults.append(fault) }
        walks.append((label, walk))
      } catch {
        unknown.add(error)
      }
      guard walks.count <= Self.folderLimit else {
        throw Failure("\(folder): more than \(Self.folderLimit) folders")
      }
    }
    if let note = try unknown.note(of: "\(folder) has folders", isAllowed: allowsUnknown) {
      ownNotes.append(note)
    }
    if besideCount > 0 { ownNotes.append("passed over: \(besideCount) files beside the folders") }
    if hiddenCount > 0 { ownNotes.append("passed over: \(hiddenCount) hidden folders") }
    guard !walks.isEmpty else {
      throw Failure(
        "\(folder): no folder in it has the name of a class; it must hold a folder for each class, "
          + "or --list names the images and their classes")
    }
    if let fault = faults.first {
      throw Failure("\(fault.path): \(fault.fault ?? "")")
    }
  }

  var total: Int? {
    var sum = count
    for (_, walk) in walks[nextWalk...] {
      guard let remaining = walk.remainingCount else { return nil }
      sum += remaining
    }
    return sum
  }

  var notes: [String] {
    var all = skipped
    for (_, walk) in walks { all.add(walk.skipped) }
    return ownNotes
      + (all.phrases.isEmpty ? [] : ["passed over: " + all.phrases.joined(separator: ", ")])
  }

  mutating func take(_ limit: Int) throws(Failure) -> [LabelledImage] {
    var images: [LabelledImage] = []
    while images.count < limit, nextWalk < walks.count {
      if let image = walks[nextWalk].walk.next() {
        images.append(LabelledImage(image: image, label: walks[nextWalk].label))
      } else {
        nextWalk += 1
      }
    }
    count += images.count
    return images
  }
}
