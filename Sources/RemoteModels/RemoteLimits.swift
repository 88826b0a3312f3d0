/// What following a remote store may take; a model's bytes are limited by the store that takes them.
package struct RemoteLimits: Sendable, Hashable {
  /// Bytes of `current.json`.
  package var pointerByteLimit = 16 << 10
  /// Redirections of one request; those to S3 follow none, for they are signed for one address.
  package var redirectLimit = 5
  package var connectTimeout = Duration.seconds(10)
  package var pointerTimeout = Duration.seconds(30)
  package var modelTimeout = Duration.seconds(3600)
  /// Time with less than a kilobyte in every second.
  package var stallTimeout = Duration.seconds(30)

  package init() {}
}
