/// A way for the caller to grant or refuse the memory that reading a model takes beside its mapped
/// file: numbers in another type than the file's, a parsed header.
///
/// Equal to any other, because it changes nothing about the model.
package struct LoadingMemory: Sendable, Hashable {
  private let grants: @Sendable (Int) -> Bool
  private let hasRoom: @Sendable (Int) -> Bool

  /// - Parameters:
  ///   - hasRoom: Asked about bytes that are given back before the model is complete.
  ///   - grants: Asked about bytes that are held as long as the model's weights.
  package init(
    hasRoom: @escaping @Sendable (Int) -> Bool = { _ in true },
    grants: @escaping @Sendable (Int) -> Bool = { _ in true }
  ) {
    (self.hasRoom, self.grants) = (hasRoom, grants)
  }

  /// Throws `CheckpointError.outOfMemory` if the bytes are refused.
  package func take(_ byteCount: Int) throws(CheckpointError) {
    guard byteCount <= 0 || grants(byteCount) else { throw .outOfMemory(byteCount: byteCount) }
  }

  /// The same for bytes that are soon given back.
  func borrow(_ byteCount: Int) throws(CheckpointError) {
    guard byteCount <= 0 || hasRoom(byteCount) else { throw .outOfMemory(byteCount: byteCount) }
  }

  package static func == (left: LoadingMemory, right: LoadingMemory) -> Bool { true }

  package func hash(into hasher: inout Hasher) {}
}
