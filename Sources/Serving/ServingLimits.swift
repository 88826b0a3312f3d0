package import Imaging
package import Inference

/// Limits of the cost of one request, and of all waiting ones.
package struct ServingLimits: Sendable {
  /// Bytes of one request's body; beyond it 413.
  package var bodyByteLimit = 32 << 20
  /// Images in one request; beyond it 413.
  package var imageCountLimit = 64
  /// Pixels, width x height, of all images of one request by their headers; 413 for each image
  /// beyond it.
  ///
  /// The default is ten of the largest.
  package var requestPixelCountLimit = 400_000_000
  /// Classes in the answers to all images of one request; beyond it 413.
  ///
  /// The default is that of 64 images of 1000 classes; some 5 MB of JSON.
  package var requestClassLimit = 1 << 16
  /// Features of all images of one request; beyond it 413.
  ///
  /// The default is that of 64 images of the widest networks in use, 4096 each; some 3 MB of JSON.
  package var requestFeatureLimit = 1 << 18
  /// Numbers of all outputs of one inference of the Open Inference Protocol; beyond it 413.
  ///
  /// The default is that of 128 images of 1000 classes with both outputs; some 3 MB of JSON.
  package var requestOutputLimit = 1 << 18
  /// Requests that wait for a worker; beyond it 429.
  package var queueCountLimit = 256
  /// Bytes of the bodies that wait; beyond it 429.
  package var queueByteLimit = 256 << 20
  /// Time from a request's first byte to its answer, unless the client asks for less; beyond it
  /// 504.
  package var requestTimeout = Duration.seconds(30)
  /// Time that a worker may spend on one image or one run of the network before the process ends.
  ///
  /// Its supervisor then starts another one. After `requestTimeout`, when nobody waits for that
  /// worker any more, the server already reports that it is not ready.
  package var stallTimeout = Duration.seconds(120)
  /// Computing time of a candidate before it is live; beyond it 422. One pass through its network
  /// is not interrupted.
  package var provingTimeout = Duration.seconds(180)
  package var decoding = DecodingLimits()

  package init() {}

  /// Limits for a model's golden samples: no image may take longer to decode than a request's.
  package var golden: GoldenCheck.Limits {
    GoldenCheck.Limits(
      decoding: decoding, decodingTimeout: requestTimeout, provingTimeout: provingTimeout)
  }
}
