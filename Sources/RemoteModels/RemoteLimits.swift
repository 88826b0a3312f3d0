/// Limits on fetching; the bytes of a remote store's model are limited by the store that receives
/// them.
package struct RemoteLimits: Sendable, Hashable {
  /// Bytes of `current.json`.
  package var pointerByteLimit = 16 << 10
  /// Redirects of one request; requests to S3 follow none, because they are signed for one address.
  package var redirectLimit = 5
  package var connectTimeout = Duration.seconds(10)
  package var pointerTimeout = Duration.seconds(30)
  package var modelTimeout = Duration.seconds(3600)
  /// Bytes of a published file; torchvision's largest ResNet has 0.5 GB.
  package var downloadByteLimit = 4 << 30
  /// Attempts after the first one, if the network or the server fails.
  package var retryLimit = 4
  /// Delay before the second attempt; doubled for each further one, up to the longest.
  package var retryDelay = Duration.seconds(1)
  package var longestRetryDelay = Duration.seconds(60)
  /// Time for which less than a kilobyte per second may arrive.
  package var stallTimeout = Duration.seconds(30)
  /// Time for one request for a bucket's object, or with one.
  package var objectTimeout = Duration.seconds(300)

  /// Bytes of a page of a listing: 1000 keys of 1024 bytes, each escaped, and what is beside them.
  static let pageByteLimit = 16 << 20
  /// Bytes that are read of a bucket's refusal.
  static let refusalByteLimit = 64 << 10

  package init() {}

  /// Returns whether a request that was answered so may succeed a little later (RFC 9110 section 15,
  /// RFC 6585).
  static func isPassing(status: Int) -> Bool {
    [408, 429, 500, 502, 503, 504].contains(status)
  }
}
