import Glibc

/// Strings as C wants them, which live as long as this.
@safe
final class CStrings {
  private var pointers: [UnsafeMutablePointer<CChar>] = unsafe []

  deinit {
    while let pointer = unsafe pointers.popLast() { unsafe free(pointer) }
  }

  /// A copy that ends with NUL; what follows a NUL in the string is left out.
  @unsafe
  func pointer(_ text: String) -> UnsafePointer<CChar> {
    guard let copy = unsafe strdup(text) else { fatalError("no memory for a string") }
    unsafe pointers.append(copy)
    return unsafe UnsafePointer(copy)
  }
}
