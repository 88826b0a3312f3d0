import Glibc

/// Shell patterns that the shell has not expanded, because they are quoted or it expands none.
enum PathPattern {
  static func isPattern(_ operand: String) -> Bool {
    operand.utf8.contains { "*?[{".utf8.contains($0) }
  }

  /// Returns the paths that match, sorted, with `{a,b}` as bash has it; empty if none does.
  static func matches(_ pattern: String) -> [ListedImage] {
    var found = unsafe glob_t()
    defer { unsafe globfree(&found) }
    guard unsafe glob(pattern, GLOB_BRACE | GLOB_TILDE, nil, &found) == 0 else { return [] }
    return unsafe (0..<Int(found.gl_pathc)).compactMap { index in
      // SAFETY: the system gives as many strings as it says.
      unsafe found.gl_pathv[index].map { name in
        unsafe ListedImage(
          Array(UnsafeRawBufferPointer(start: name, count: strlen(name))), .file)
      }
    }
  }
}
