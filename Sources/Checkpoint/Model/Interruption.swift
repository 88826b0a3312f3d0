/// How reading a model is ended before it is done: asked between all pieces of a file.
///
/// Equal to any other, for it changes nothing about the model.
package struct Interruption: Sendable, Hashable {
  private let isWanted: @Sendable () -> Bool

  /// - Parameter isWanted: Called by the thread that reads, some hundred times for a large file.
  package init(_ isWanted: @escaping @Sendable () -> Bool = { false }) { self.isWanted = isWanted }

  /// Throws `CheckpointError.cancelled` where the rest is not wanted.
  package func check() throws(CheckpointError) {
    if isWanted() { throw .cancelled }
  }

  package static func == (left: Interruption, right: Interruption) -> Bool { true }

  package func hash(into hasher: inout Hasher) {}
}
