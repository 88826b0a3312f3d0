package import Checkpoint
import Files

extension ModelVersion {
  /// From all 64 lower-case hexadecimal digits; nil for any other text.
  package init?(digits text: String) {
    guard let digest = HexDigits.bytes(text), digest.count == SHA256.byteCount else { return nil }
    self.init(digest: digest)
  }
}
