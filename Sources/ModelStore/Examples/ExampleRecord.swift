package import Checkpoint
import Files

/// The network that examples' features come from: everything that decides the numbers but the last
/// layer, which is what they are for.
package struct ExampleSource: Sendable, Hashable {
  /// SHA-256 of the network without its last layer, its contract and the precision.
  package let digest: ModelVersion
  package let featureCount: Int

  package init(digest: ModelVersion, featureCount: Int) {
    (self.digest, self.featureCount) = (digest, featureCount)
  }
}

/// An image from which a class is taught: its features, and the image itself if it was to be kept.
package struct Example: Sendable, Hashable {
  package let label: String
  /// SHA-256 of the encoded image.
  package let digest: ModelVersion
  package let features: [Float]
  package let image: [UInt8]?

  package init(label: String, digest: ModelVersion, features: [Float], image: [UInt8]?) {
    (self.label, self.digest) = (label, digest)
    (self.features, self.image) = (features, image)
  }
}

/// Layout of the file of examples; numbers are little endian.
///
///     file     "RNEXAMP1"  D: u32  count: u32  digest of the source [32]   example …
///     example  label bytes: u32  image bytes: u32  digest of the image [32]
///              label   features [D] fp32   first 8 bytes of the SHA-256 of all before   image
///
/// The check tells a record that a kill or a full disk cut off from a whole one, and the count those
/// that were kept from one that was not: it is written after they are durable, so the file has at
/// least as many, unless somebody shortened it. The image has its own digest.
enum ExampleFormat {
  static let headerByteCount = 48
  /// Place of the count in the header.
  static let countPlace = 12
  static let checkByteCount = 8
  static let prefixByteCount = 40
  private static let magic = Array("RNEXAMP1".utf8)
  /// Limits of what a damaged file may ask for.
  static let imageByteLimit = 1 << 30

  static func header(_ source: ExampleSource, count: Int) -> [UInt8] {
    magic + bytes(source.featureCount) + bytes(count) + source.digest.bytes
  }

  /// Returns the count of a header.
  static func count(_ header: [UInt8]) -> Int { number(header, at: countPlace) }

  /// Returns nil for bytes that no file of examples begins with.
  static func source(_ header: [UInt8]) -> ExampleSource? {
    guard header.count == headerByteCount, header.starts(with: magic) else { return nil }
    let count = number(header, at: 8)
    guard count > 0 else { return nil }
    return ExampleSource(digest: ModelVersion(digest: Array(header[16...])), featureCount: count)
  }

  /// Returns a record as it is written.
  static func record(_ example: Example) throws(StoreError) -> [UInt8] {
    var record = bytes(example.label.utf8.count) + bytes(example.image?.count ?? 0)
    record += example.digest.bytes
    record += Array(example.label.utf8)
    for value in example.features {
      let bits = value.bitPattern
      for shift in stride(from: UInt32(0), to: 32, by: 8) {
        record.append(UInt8(truncatingIfNeeded: bits >> shift))
      }
    }
    record += try check(record[...])
    return record + (example.image ?? [])
  }

  /// Returns bytes of label, features and check of a record with this prefix.
  static func middleByteCount(_ labelByteCount: Int, _ featureCount: Int) -> Int {
    labelByteCount + featureCount * MemoryLayout<Float>.stride + checkByteCount
  }

  static func check(_ bytes: ArraySlice<UInt8>) throws(StoreError) -> [UInt8] {
    Array(try digest(Array(bytes)).prefix(checkByteCount))
  }

  static func digest(_ bytes: [UInt8]) throws(StoreError) -> [UInt8] {
    var digest = try SHA256.begin(for: "the examples")
    // SAFETY: the elements are bytes.
    digest.update(unsafe bytes.span.bytes)
    return digest.finish()
  }

  static func features(_ bytes: ArraySlice<UInt8>) -> [Float] {
    stride(from: bytes.startIndex, to: bytes.endIndex, by: 4).map { place in
      Float(bitPattern: UInt32(number(Array(bytes[place..<place + 4]), at: 0)))
    }
  }

  static func number(_ bytes: [UInt8], at place: Int) -> Int {
    (0..<4).reduce(0) { $0 | Int(bytes[place + $1]) << (8 * $1) }
  }

  static func bytes(_ value: Int) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }
}

extension ModelVersion {
  /// The digest's 32 bytes.
  fileprivate var bytes: [UInt8] { HexDigits.bytes(hex) ?? [] }
}
