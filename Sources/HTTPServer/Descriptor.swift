import Glibc

/// A file descriptor, closed when nothing refers to it any more.
///
/// Dispatch sources refer to it until they are cancelled: closed before, its number could be that of another.
final class Descriptor: Sendable {
  let number: CInt

  init(_ number: CInt) { self.number = number }

  deinit { Glibc.close(number) }
}
