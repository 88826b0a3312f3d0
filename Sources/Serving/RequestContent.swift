import HTTPCore
import Machine

/// A request's body, and what has been made of it; belongs to whoever has the job, one thread at a time.
///
/// Nobody else holds the body, so that its images can be decoded where they stand. Its memory is given back with this.
final class RequestContent: @unchecked Sendable {
  let byteCount: Int
  private var body: [UInt8]
  /// Keeps the body's part of the memory budget.
  private let hold: (any BodyHold)?
  private var opened: ImagePayload?

  init(_ body: [UInt8], hold: (any BodyHold)?) {
    byteCount = body.count
    self.body = body
    self.hold = hold
  }

  /// Finds the images at the first call.
  func payload(
    _ head: RequestHead, imageCountLimit: Int, memory: MemoryBudget
  ) throws(Problem) -> ImagePayload {
    if let opened { return opened }
    let bytes = body
    body = []
    let payload = try ImagePayload(
      head, body: bytes, imageCountLimit: imageCountLimit, memory: memory)
    opened = payload
    return payload
  }
}
