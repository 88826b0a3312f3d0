import Compression
package import HTTPCore
import Machine

/// The coding of a body, which stays compressed until a worker reads it.
///
///     arrives ── waits ─────────── a worker reads it ─────────── answered
///     compressed, in its hold      plain, in a hold of its own that grows before it does
///
/// I/O threads do not compute, and what waits takes the less memory. What comes out has the limit of
/// a body, at which a bomb ends.
package struct CodedBody: Sendable {
  /// Compressed bytes from which a body is read aside: it could hold others up.
  static let longByteCount = 256 << 10
  /// Bytes that may come out of a shorter one before it is read aside as well: a few of a bomb's
  /// bytes are work for a tenth of a second.
  package static let longPlainByteCount = 512 << 10
  /// Bytes beside those that are expected, for which there is room from the start.
  private static let spareByteCount = 64 << 10

  private let coding: ContentCoding
  private let byteLimit: Int
  private let bodies: BodyMemory

  /// - Parameter byteLimit: Bytes that may come out.
  package init(coding: ContentCoding, byteLimit: Int, bodies: BodyMemory) {
    (self.coding, self.byteLimit, self.bodies) = (coding, byteLimit, bodies)
  }

  /// A body as it was before the coding, and what holds its memory.
  package typealias Plain = (bytes: [UInt8], hold: any BodyHold)

  /// Returns the bytes as they were before the coding.
  func plain(_ bytes: [UInt8]) throws(Problem) -> Plain {
    try decompress(bytes).plain
  }

  /// Returns the same of a body of which no more than `longPlainByteCount` come out, else nil.
  package func plainIfShort(_ bytes: [UInt8]) throws(Problem) -> Plain? {
    let (plain, isWhole) = try decompress(bytes, upTo: Self.longPlainByteCount)
    return isWhole ? plain : nil
  }

  /// Returns what comes out until it would be more than `end` bytes, and whether that is all.
  private func decompress(
    _ bytes: [UInt8], upTo end: Int = .max
  ) throws(Problem) -> (plain: Plain, isWhole: Bool) {
    guard
      let scratch = bodies.budget.reserve(Decompression.byteCount(coding.format), use: .bodies)
    else { throw .overloaded }
    // Refusals are made here. Images are not much larger than their compressed bytes.
    var body = HeldBytes(bodies.hold { $0.response }, limit: byteLimit)
    let expected = min(bytes.count + bytes.count / 4 + Self.spareByteCount, byteLimit)
    guard body.begin(capacity: expected) else { throw bodies.problem(ofLength: expected) }
    var isWhole = true
    try Decompression.pieces(of: bytes, coding.format, orThrow: problem) {
      (piece) throws(Problem) in
      let count = body.bytes.count + piece.count
      isWhole = count <= end
      guard isWhole else { return false }
      guard count <= byteLimit else {
        throw Problem(
          413, .bodyTooLarge,
          "the body has more than \(byteLimit) bytes once it is decompressed; send less at once")
      }
      guard body.append(piece) else { throw bodies.problem(ofLength: body.capacity(for: count)) }
      return true
    }
    return withExtendedLifetime(scratch) {
      (plain: (bytes: body.bytes, hold: body.hold), isWhole: isWhole)
    }
  }

  private func problem(_ fault: DecompressionFault) -> Problem {
    if fault == .outOfMemory { return .overloaded }
    let hint =
      coding == .deflate && fault == .corrupt("incorrect header check")
      ? "; deflate is the format of zlib (RFC 9110, section 8.4.1.2)" : ""
    return Problem(
      400, .malformedEncoding,
      "the body's bytes are not what Content-Encoding \(coding.rawValue) says: \(fault)\(hint)")
  }
}
