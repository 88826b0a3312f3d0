import Glibc

/// Strings for C functions, which live as long as this object.
@safe
final class CStrings {
  private var pointers: [UnsafeMutablePointer<CChar>] = unsafe []

  deinit {
    while let pointer = unsafe pointers.popLast() { unsafe free(pointer) }
  }

  /// Returns a copy that ends with NUL; a NUL in the string cuts it short.
  @unsafe
  func pointer(_ text: String) -> UnsafePointer<CChar> {
    guard let copy = unsafe strdup(text) else { fatalError("no memory for a string") }
    unsafe pointers.append(copy)
    return unsafe UnsafePointer(copy)
  }
}
