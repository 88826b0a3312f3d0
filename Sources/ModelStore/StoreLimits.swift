/// Limits on what a store accepts and keeps.
package struct StoreLimits: Sendable, Hashable {
  /// Bytes of one model file.
  package var uploadByteLimit = 2 << 30
  /// Uploads under way or waiting to be kept.
  package var uploadCountLimit = 4
  /// Versions kept; live, previous, a canary and a new one need four.
  package var versionCountLimit = 16
  /// Bytes of all kept versions; an upload in progress takes its own bytes on top.
  package var totalByteLimit = 16 << 30
  /// Bytes that an upload must leave free on the disk, whether its length is known or not; 64 MiB.
  package var freeByteReserve = 64 << 20

  /// Bytes that an upload writes between two checks of the free space; 4 MiB.
  package var spaceCheckByteCount = 4 << 20

  package init() {}

  /// UTF-8 bytes of a model's name, or of the name of whoever stored it or made it live.
  static let textByteLimit = 256
  /// Bytes of a record, which is far smaller: six bytes per byte of its strings if all are escaped.
  static let recordByteLimit = 16 << 10
  /// UTF-8 bytes of the label of an example, as of a model's.
  package static let labelByteLimit = 1024
  /// Names examined in one folder.
  static let entryLimit = 100_000
}
