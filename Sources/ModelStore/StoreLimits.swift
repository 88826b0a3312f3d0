/// What a store takes and keeps at most.
package struct StoreLimits: Sendable, Hashable {
  /// Bytes of one model file.
  package var uploadByteLimit = 2 << 30
  /// Uploads under way or waiting to be kept.
  package var uploadCountLimit = 4
  /// Versions kept; live, previous, a canary and a new one need four.
  package var versionCountLimit = 16
  /// Bytes of all versions kept; while one is uploaded there are as many more as it has.
  package var totalByteLimit = 16 << 30
  /// Bytes that an upload must leave free on the disk, whether its length is known or not; 64 MiB.
  package var freeByteReserve = 64 << 20

  /// Bytes that an upload writes between two looks at what is free; 4 MiB.
  package var spaceCheckByteCount = 4 << 20

  package init() {}

  /// A model's name, or of whoever stored it or made it live.
  static let textByteLimit = 256
  /// Digits of a version that may stand for all of it.
  static let shortestPrefix = 8
  /// A record is far smaller: six bytes for each of its texts' when all are escaped.
  static let recordByteLimit = 16 << 10
  /// Names looked at in one folder.
  static let entryLimit = 100_000
}
