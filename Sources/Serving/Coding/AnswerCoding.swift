import Compression
import HTTPCore
import Machine
import Synchronization

extension Response {
  /// Bytes of a body from which it is compressed: fewer go in one packet anyway.
  private static let leastCodedByteCount = 1400

  /// Returns the answer in the coding that its client likes best, if that makes it smaller.
  ///
  /// - Parameter memory: Budget for the copy; without room the answer goes as it is.
  func coded(_ coding: ContentCoding?, memory: MemoryBudget? = nil) -> Response {
    guard body.count >= Self.leastCodedByteCount else { return self }
    var response = self
    // Also where this one goes as it is (RFC 9110, section 12.5.5).
    response.fields.append("Vary", "Accept-Encoding")
    guard let coding else { return response }
    // A tenth less is worth the client's work.
    let limit = body.count - body.count / 10
    let byteCount = limit + Compressor.byteCount(coding.format)
    let reservation = memory?.reserve(byteCount, use: .bodies)
    guard memory == nil || reservation != nil,
      let bytes = Compressor.compress(body, coding.format, limit: limit)
    else { return response }
    response.body = bytes
    response.fields["Content-Encoding"] = coding.rawValue
    // Not the same bytes (RFC 9110, section 8.8.3.3).
    if let tag = fields["ETag"], !tag.hasPrefix("W/") { response.fields["ETag"] = "W/" + tag }
    return withExtendedLifetime(reservation) { response }
  }
}

/// An answer that stays the same, with its coded forms; each is made when it is asked for first.
final class LastingAnswer: Sendable {
  private let plain: Response
  private let coded = Mutex<[ContentCoding?: Response]>([:])

  init(_ plain: Response) { self.plain = plain }

  /// Returns the answer in the coding that a client likes best.
  func response(to fields: HeaderFields) -> Response {
    let coding = ContentCoding.wanted(by: fields)
    if let known = coded.withLock({ $0[coding] }) { return known }
    let made = plain.coded(coding)
    coded.withLock { $0[coding] = made }
    return made
  }
}
