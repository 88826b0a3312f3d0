import FoundationEssentials

/// The images of a folder and its subfolders, by their names.
struct ImageFolder {
  /// Paths sorted by name.
  let paths: [String]

  private static let endings = [
    "jpg", "jpeg", "jpe", "jfif", "png", "webp", "gif", "bmp", "dib", "tif", "tiff", "avif", "heic",
    "heif",
    "hif",
  ]
  /// Limit of names that are looked at, images or not.
  private static let entryLimit = 1_000_000

  init(_ folder: String) throws(Failure) {
    let names: [String]
    do {
      names = try FileManager.default.subpathsOfDirectory(atPath: folder)
    } catch {
      throw Failure("\(folder): it cannot be listed as a folder")
    }
    guard names.count <= Self.entryLimit else {
      throw Failure("\(folder): more than \(Self.entryLimit) files")
    }
    paths = names.filter { name in
      guard let dot = name.lastIndex(of: ".") else { return false }
      return Self.isImageEnding(String(name[name.index(after: dot)...]))
    }.sorted().map { "\(folder)/\($0)" }
  }

  /// Returns whether files whose names end so after the last dot are taken for images.
  static func isImageEnding(_ ending: String) -> Bool { endings.contains(ending.lowercased()) }

  /// Returns at most `count` of them, spread evenly over all.
  func sample(_ count: Int) -> [String] {
    guard paths.count > count else { return paths }
    return (0..<count).map { paths[$0 * paths.count / count] }
  }
}
