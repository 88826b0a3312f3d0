/// What fetching may take; the bytes of a model of a remote store are limited by the store that takes them.
package struct RemoteLimits: Sendable, Hashable {
  /// Bytes of `current.json`.
  package var pointerByteLimit = 16 << 10
  /// Redirections of one request; those to S3 follow none, for they are signed for one address.
  package var redirectLimit = 5
  package var connectTimeout = Duration.seconds(10)
  package var pointerTimeout = Duration.seconds(30)
  package var modelTimeout = Duration.seconds(3600)
  /// Bytes of a published file; torchvision's largest ResNet has 0.5 GB.
  package var downloadByteLimit = 4 << 30
  /// Attempts behind the first one, where the network or the server fails.
  package var retryLimit = 4
  /// Before the second attempt; doubled for every further one, up to the longest.
  package var retryDelay = Duration.seconds(1)
  package var longestRetryDelay = Duration.seconds(60)
  /// Time with less than a kilobyte in every second.
  package var stallTimeout = Duration.seconds(30)

  package init() {}
}
