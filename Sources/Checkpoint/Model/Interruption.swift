/// A way to stop the reading of a model, checked between all pieces of a file.
///
/// Equal to any other, because it changes nothing about the model.
package struct Interruption: Sendable, Hashable {
  private let isWanted: @Sendable () -> Bool

  /// Asks `isWanted` on the thread that reads, some hundred times for a large file.
  package init(_ isWanted: @escaping @Sendable () -> Bool = { false }) { self.isWanted = isWanted }

  /// Throws `CheckpointError.cancelled` if the rest is no longer wanted.
  package func check() throws(CheckpointError) {
    if isWanted() { throw .cancelled }
  }

  package static func == (left: Interruption, right: Interruption) -> Bool { true }

  package func hash(into hasher: inout Hasher) {}
}
