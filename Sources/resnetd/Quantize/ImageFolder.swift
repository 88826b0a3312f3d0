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
      return Self.endings.contains(name[name.index(after: dot)...].lowercased())
    }.sorted().map { "\(folder)/\($0)" }
  }

  /// Returns at most `count` of them, spread evenly over all.
  func sample(_ count: Int) -> [String] {
    guard paths.count > count else { return paths }
    return (0..<count).map { paths[$0 * paths.count / count] }
  }
}
