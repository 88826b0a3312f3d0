package import HTTPCore
package import Machine

/// The encoded images of a request, whichever form its body has; found in one pass, decoded one at
/// a time.
///
/// Belongs to one thread at a time, as the request does. The body is never copied: base64 is
/// decoded in place when its image's turn comes.
package final class ImagePayload {
  private enum Place {
    case raw(Range<Int>)
    case base64(Range<Int>)
    case refused(Problem)
  }

  private var body: [UInt8]
  private let hold: (any BodyHold)?
  private var places: [Place]
  /// Whether the answer is a list of results rather than a single one.
  package let isList: Bool

  /// Largest number of parts of a form that are not images.
  private static let otherPartCountLimit = 16

  package var count: Int { places.count }

  /// Finds the images. Throws if the body as a whole is unusable.
  ///
  /// - Parameters:
  ///   - type: The media type that the client gives; for unknown ones the bytes decide.
  ///   - memory: Budget for the copies that the reader of a JSON body with escapes makes.
  ///   - hold: Receives the body's memory at the end.
  package init(
    _ body: [UInt8], _ type: MediaType?, imageCountLimit: Int, memory: MemoryBudget? = nil,
    hold: (any BodyHold)? = nil
  ) throws(Problem) {
    guard !body.isEmpty else {
      throw .body("the body is empty; send an image, for example with curl -T FILE")
    }
    self.body = body
    self.hold = hold
    switch type?.essence {
    case "multipart/form-data":
      let ranges = try Self.parts(body, type, imageCountLimit)
      places = ranges.map { .raw($0) }
      isList = ranges.count > 1
    case "application/json":
      let scratch = try Self.scratch(for: body, memory)
      let json = try JSONImages(body, imageCountLimit: imageCountLimit)
      places = json.ranges.map { .base64($0) }
      isList = json.isList
      _ = scratch
    // For any other type, the bytes decide.
    default:
      places = [.raw(body.indices)]
      isList = false
    }
  }

  deinit {
    // Swapped out: with a second reference the buffer would be copied.
    var last: [UInt8] = []
    swap(&last, &body)
    hold?.keepBuffer(last)
  }

  /// Decodes the base64 of all images now.
  package func decodeAll() {
    for index in places.indices { _ = try? image(index) }
  }

  /// Returns an image's encoded bytes, or throws the reason why there are none.
  ///
  /// Release them before asking for the next image.
  package func image(_ index: Int) throws(Problem) -> ArraySlice<UInt8> {
    if case .base64(let range) = places[index] {
      if let decoded = Base64.decode(&body, range), !decoded.isEmpty {
        places[index] = .raw(decoded)
      } else {
        places[index] = .refused(.body("the image is not base64"))
      }
    }
    switch places[index] {
    case .raw(let range), .base64(let range): return body[range]
    case .refused(let problem): throw problem
    }
  }

  /// Returns whether the body is JSON with escapes.
  static func hasEscapes(_ body: [UInt8], _ type: MediaType?) -> Bool {
    type?.essence == "application/json" && JSONImages.hasEscapes(body)
  }

  private static func scratch(
    for body: [UInt8], _ memory: MemoryBudget?
  ) throws(Problem) -> Reservation? {
    let byteCount = JSONImages.scratchByteCount(for: body)
    guard let memory, byteCount > JSONImages.scratchByteCount else { return nil }
    guard let scratch = memory.reserve(byteCount, use: .bodies) else { throw .overloaded }
    return scratch
  }

  private static func parts(
    _ body: [UInt8], _ type: MediaType?, _ imageCountLimit: Int
  ) throws(Problem) -> [Range<Int>] {
    guard let type else { throw .body("Content-Type is missing") }
    let parts: [Multipart.Part]
    do throws(Multipart.Failure) {
      parts = try Multipart.parse(
        body, type, partCountLimit: imageCountLimit + Self.otherPartCountLimit)
    } catch {
      switch error {
      case .malformed(let reason): throw .body("multipart/form-data: \(reason)")
      case .tooManyParts: throw .tooManyImages(limit: imageCountLimit)
      }
    }
    let images = parts.filter { $0.name == "image" }
    guard !images.isEmpty else { throw .body("no part is named image") }
    guard images.count <= imageCountLimit else { throw .tooManyImages(limit: imageCountLimit) }
    return images.map(\.range)
  }
}
