/// Computes the version of a file without writing it.
struct DigestSink: ByteSink, ~Copyable {
  private var digest: SHA256

  init() throws(CheckpointError) { digest = try SHA256() }

  mutating func write(_ bytes: RawSpan) { digest.update(bytes) }

  consuming func finish() -> ModelVersion { ModelVersion(digest: digest.finish()) }
}
