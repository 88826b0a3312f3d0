import Compression
import HTTPCore
import Machine

/// The coding of a body, which stays compressed until a worker reads it.
///
///     arrives ── waits ─────────── a worker reads it ─────────── answered
///     compressed, in its hold      plain, in a hold of its own that grows before it does
///
/// I/O threads do not compute, and what waits takes the less memory. What comes out has the limit of
/// a body, at which a bomb ends.
struct CodedBody: Sendable {
  /// Compressed bytes from which a body is read aside: it could hold others up.
  static let longByteCount = 256 << 10
  /// Bytes beside those that are expected, for which there is room from the start.
  private static let spareByteCount = 64 << 10

  let coding: ContentCoding
  /// Bytes that may come out.
  let byteLimit: Int
  let bodies: BodyMemory

  /// Returns the bytes as they were before the coding, and what holds their memory.
  func plain(_ bytes: [UInt8]) throws(Problem) -> (bytes: [UInt8], hold: any BodyHold) {
    guard
      let scratch = bodies.budget.reserve(Decompression.byteCount(coding.format), use: .bodies)
    else { throw .overloaded }
    // Refusals are made here. Images are not much larger than their compressed bytes.
    var body = HeldBytes(bodies.hold { $0.response }, limit: byteLimit)
    let expected = min(bytes.count + bytes.count / 4 + Self.spareByteCount, byteLimit)
    guard body.begin(capacity: expected) else { throw bodies.problem(ofLength: expected) }
    try Decompression.pieces(of: bytes, coding.format, orThrow: problem) {
      (piece) throws(Problem) in
      let count = body.bytes.count + piece.count
      guard count <= byteLimit else {
        throw Problem(
          413, .bodyTooLarge,
          "the body has more than \(byteLimit) bytes once it is decompressed; send less at once")
      }
      guard body.append(piece) else { throw bodies.problem(ofLength: body.capacity(for: count)) }
    }
    return withExtendedLifetime(scratch) { (body.bytes, body.hold) }
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
