import Glibc
import Synchronization

/// A file descriptor, closed when nothing refers to it any more, or before.
///
/// Dispatch sources refer to it until they are cancelled: closed before, its number could be that of another.
final class Descriptor: Sendable {
  let number: CInt
  private let isOpen = Atomic(true)

  init(_ number: CInt) { self.number = number }

  deinit { close() }

  func close() {
    if isOpen.exchange(false, ordering: .relaxed) { Glibc.close(number) }
  }
}
