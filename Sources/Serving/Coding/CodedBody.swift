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

  let coding: ContentCoding
  /// Bytes that may come out.
  let byteLimit: Int
  let bodies: BodyMemory

  /// Returns the bytes as they were before the coding, and what holds their memory.
  func plain(_ bytes: [UInt8]) throws(Problem) -> (bytes: [UInt8], hold: any BodyHold) {
    guard
      let scratch = bodies.budget.reserve(Decompression.byteCount(coding.format), use: .bodies)
    else { throw .overloaded }
    var body = try GrowingBody(bodies, byteLimit: byteLimit, expecting: bytes.count)
    try Decompression.pieces(of: bytes, coding.format, orThrow: problem) {
      (piece) throws(Problem) in
      try body.append(piece)
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

/// Plain bytes that grow, in memory that is counted first.
private struct GrowingBody {
  /// Bytes beside those that are expected, for which there is room from the start.
  private static let spareByteCount = 64 << 10

  private(set) var bytes: [UInt8]
  let hold: any BodyHold
  private let bodies: BodyMemory
  private let byteLimit: Int
  /// Bytes of memory that the hold has for it.
  private var capacity: Int

  /// - Parameter byteCount: Bytes of the compressed body: images are not much larger than that.
  init(_ bodies: BodyMemory, byteLimit: Int, expecting byteCount: Int) throws(Problem) {
    (self.bodies, self.byteLimit) = (bodies, byteLimit)
    // Its refusals are made here.
    hold = bodies.hold { $0.response }
    capacity = min(byteCount + byteCount / 4 + Self.spareByteCount, byteLimit)
    guard hold.hold(capacity) else { throw bodies.problem(ofLength: capacity) }
    if let buffer = hold.takeBuffer(capacity: capacity) {
      bytes = buffer
      capacity = buffer.capacity
    } else {
      bytes = []
      bytes.reserveCapacity(capacity)
    }
  }

  mutating func append(_ piece: ArraySlice<UInt8>) throws(Problem) {
    let count = bytes.count + piece.count
    guard count <= byteLimit else {
      throw Problem(
        413, .bodyTooLarge,
        "the body has more than \(byteLimit) bytes once it is decompressed; send less at once")
    }
    if count > capacity { try grow(to: min(max(count, 2 * capacity), byteLimit)) }
    bytes.append(contentsOf: piece)
  }

  private mutating func grow(to larger: Int) throws(Problem) {
    // Both are there while one is copied.
    guard hold.hold(capacity + larger) else { throw bodies.problem(ofLength: larger) }
    bytes.reserveCapacity(larger)
    capacity = larger
    _ = hold.hold(larger)
  }
}
