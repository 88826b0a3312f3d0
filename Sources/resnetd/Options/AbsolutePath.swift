import Glibc

/// Paths that hold wherever they are read: what is logged or recorded may be read by somebody in another folder.
enum AbsolutePath {
  /// The path from the root; as it is where it begins there, or nobody can say what the current folder is called.
  static func of(_ path: String) -> String {
    guard !path.hasPrefix("/"), let folder = currentFolder else { return path }
    var rest = Substring(path)
    while rest.hasPrefix("./") { rest = rest.dropFirst(2).drop { $0 == "/" } }
    if rest.isEmpty || rest == "." { return folder }
    return folder == "/" ? "/\(rest)" : "\(folder)/\(rest)"
  }

  private static var currentFolder: String? {
    // SAFETY: the system makes a string of its own, which is freed here.
    guard let bytes = unsafe getcwd(nil, 0) else { return nil }
    defer { unsafe free(bytes) }
    let folder = unsafe String(cString: bytes)
    return folder.hasPrefix("/") ? folder : nil
  }
}
