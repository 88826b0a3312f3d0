/// The images of a folder and its subfolders, by their names; links to files and folders are followed.
struct ImageFolder {
  /// Paths sorted by name.
  let paths: [String]

  /// Endings of the formats that are decoded, those of several pictures in one file among them.
  private static let endings: Set<String> = [
    "jpg", "jpeg", "jpe", "jfif", "jif", "jfi", "pjpeg", "pjp", "jps", "mpo", "png", "apng", "webp",
    "gif", "bmp", "dib", "rle", "tif", "tiff", "btf", "tf8", "avif", "avifs", "heic", "heics",
    "heif", "heifs", "hif",
  ]
  /// Limit of the images of a folder.
  private static let entryLimit = 1_000_000

  init(_ folder: String) throws(Failure) {
    var walk = FolderWalk(isRecursive: true)
    if let fault = walk.enter(folder)?.fault { throw Failure("\(folder): \(fault)") }
    var paths: [String] = []
    while let image = walk.next() {
      if let fault = image.fault {
        StandardError.write("\(PlainText.line(image.path)): \(fault); left out")
        continue
      }
      guard image.origin == .file else { continue }
      paths.append(image.path)
      guard paths.count <= Self.entryLimit else {
        throw Failure("\(folder): more than \(Self.entryLimit) images")
      }
    }
    self.paths = paths.sorted()
  }

  /// Returns whether files whose names end so after the last dot are taken for images.
  static func isImageEnding(_ ending: String) -> Bool { endings.contains(ending.lowercased()) }

  /// Returns at most `count` of them, spread evenly over all.
  func sample(_ count: Int) -> [String] {
    guard paths.count > count else { return paths }
    return (0..<count).map { paths[$0 * paths.count / count] }
  }
}
