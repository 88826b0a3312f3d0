package import Checkpoint
import Files

extension ModelVersion {
  /// Parses all 64 lower-case hexadecimal digits; returns nil for any other string.
  package init?(digits text: String) {
    guard let digest = HexDigits.bytes(text), digest.count == SHA256.byteCount else { return nil }
    self.init(digest: digest)
  }
}
