/// A kind of system call that changes what is on disk.
package enum DiskStep: String, Sendable, CaseIterable {
  case makeFolder = "make"
  case create
  case write
  case sync
  case rename
  case remove
}

/// Asked before every such call: 0 lets it happen, any other number is the `errno` that it fails with.
///
/// Tests stop the process or fail the disk here; the program lets everything happen.
package typealias DiskHook = @Sendable (DiskStep) -> CInt

/// Told the bytes that are free whenever they are asked for; its answer is taken in their place.
package typealias SpaceHook = @Sendable (_ freeByteCount: Int) -> Int
