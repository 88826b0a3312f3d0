import Glibc

/// Paths that hold in every folder: logs and records may be read by somebody in another one.
enum AbsolutePath {
  /// Returns the path from the root; unchanged if it begins there or the current folder is unknown.
  static func of(_ path: String) -> String {
    guard !path.hasPrefix("/"), let folder = currentFolder else { return path }
    var rest = Substring(path)
    while rest.hasPrefix("./") { rest = rest.dropFirst(2).drop { $0 == "/" } }
    if rest.isEmpty || rest == "." { return folder }
    return folder == "/" ? "/\(rest)" : "\(folder)/\(rest)"
  }

  private static var currentFolder: String? {
    // SAFETY: the system allocates the string, which is freed here.
    guard let bytes = unsafe getcwd(nil, 0) else { return nil }
    defer { unsafe free(bytes) }
    let folder = unsafe String(cString: bytes)
    return folder.hasPrefix("/") ? folder : nil
  }
}
