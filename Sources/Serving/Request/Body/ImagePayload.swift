package import HTTPCore
import Imaging
package import Machine
import Words

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
  /// Parameters beside the images, with names that are known.
  package let parameters: [GivenParameter]
  private let origin: Origin
  /// Request of an inference; nil for any other.
  let inference: InferenceRequest?
  /// Images that are preprocessed already, in place of encoded ones.
  private(set) var tensors: TensorPlaces?

  /// Whether its images are preprocessed already.
  package var holdsTensors: Bool { tensors != nil }

  package var count: Int { tensors?.count ?? places.count }
  /// Bytes of the body.
  package var byteCount: Int { body.count }

  /// Finds the images. Throws if the body as a whole is unusable.
  ///
  /// - Parameters:
  ///   - type: The media type that the client gives; for unknown ones the bytes decide.
  ///   - names: Names that parameters beside the images may have.
  ///   - memory: Budget for the copies that the reader of a JSON body with escapes makes.
  ///   - hold: Receives the body's memory at the end.
  package init(
    _ body: [UInt8], _ type: MediaType?, imageCountLimit: Int,
    names: ImageRequestNames = .classification, memory: MemoryBudget? = nil,
    hold: (any BodyHold)? = nil
  ) throws(Problem) {
    guard !body.isEmpty else {
      throw .body("the body is empty; send an image, for example with curl -T FILE")
    }
    self.body = body
    self.hold = hold
    inference = nil
    switch BodyKind(body, type) {
    case .form:
      let form = try FormImages(
        body, type, imageCountLimit: imageCountLimit, names: names)
      places = form.images.map { .raw($0.range) }
      isList = form.images.count > 1
      parameters = form.parameters
      origin = .form(form.images.map(\.name))
    case .json:
      let scratch = try Self.scratch(for: body, memory)
      let json = try JSONImages(body, imageCountLimit: imageCountLimit, names: names)
      // Whoever fetches has looked for it before.
      guard json.address == nil else { throw .fetchingIsOff }
      places = json.ranges.map { .base64($0) }
      isList = json.isList
      parameters = json.parameters
      origin = .json
      _ = scratch
    case .image:
      places = [.raw(body.indices)]
      isList = false
      parameters = []
      origin = .whole(type?.essence)
    }
  }

  /// Takes an image that has been fetched.
  ///
  /// - Parameter address: Where it comes from.
  init(_ image: [UInt8], fetchedFrom address: String, hold: (any BodyHold)?) {
    (body, self.hold) = (image, hold)
    (inference, isList, parameters) = (nil, false, [])
    places = [.raw(image.indices)]
    origin = .address(address)
  }

  /// Finds the images of an inference.
  ///
  /// - Parameter jsonByteCount: Bytes of the JSON at the body's start; nil for the whole body.
  package init(
    inference body: [UInt8], jsonByteCount: Int?, imageCountLimit: Int,
    memory: MemoryBudget? = nil, hold: (any BodyHold)? = nil
  ) throws(Problem) {
    guard !body.isEmpty else { throw .body("the body is empty; \(InferenceReader.expected)") }
    self.body = body
    self.hold = hold
    let found = try InferenceBody(
      body, jsonByteCount: jsonByteCount, imageCountLimit: imageCountLimit, memory: memory)
    inference = found.request
    (isList, parameters, origin) = (false, [], .inference)
    switch found.images {
    case .raw(let ranges): places = ranges.map { .raw($0) }
    case .base64(let ranges): places = ranges.map { .base64($0) }
    case .tensors(let found): (places, tensors) = ([], found)
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
      do throws(Base64.Fault) {
        places[index] = .raw(try Base64.decode(&body, range))
      } catch {
        places[index] = .refused(.body("the image is not base64: \(error.reason)"))
      }
    }
    switch places[index] {
    case .raw(let range), .base64(let range): return body[range]
    case .refused(let problem): throw problem
    }
  }

  /// Returns the numbers of an image that is preprocessed already, `[C, H, W]`; images are taken in
  /// order.
  package func numbers(_ index: Int) throws(Problem) -> [Float] {
    guard let numbers = try tensors?.take(index, of: body) else {
      preconditionFailure("numbers are of requests with tensors")
    }
    return numbers
  }

  /// Returns whether the body is JSON with escapes.
  static func hasEscapes(_ body: [UInt8], _ type: MediaType?) -> Bool {
    BodyKind(body, type) == .json && JSONImages.hasEscapes(body)
  }

  private static func scratch(
    for body: [UInt8], _ memory: MemoryBudget?
  ) throws(Problem) -> Reservation? {
    let byteCount = JSONImages.scratchByteCount(for: body)
    guard let memory, byteCount > JSONImages.scratchByteCount else { return nil }
    guard let scratch = memory.reserve(byteCount, use: .bodies) else { throw .overloaded }
    return scratch
  }
}

/// Form of a body.
enum BodyKind: Sendable, Hashable {
  case image, form, json

  /// Bytes in which the header of a form's first part is looked for.
  private static let partHeaderByteLimit = 512

  /// The first bytes decide if they are those of an image, then the type, then the bytes again.
  init(_ body: [UInt8], _ type: MediaType?) {
    if ImageFormat(magicBytesOf: body.span) != nil {
      self = .image
    } else if type?.essence == "multipart/form-data" || Self.beginsAsForm(body) {
      self = .form
    } else {
      self = Self.isJSON(type) || Self.beginsAsObject(body) ? .json : .image
    }
  }

  private static func isJSON(_ type: MediaType?) -> Bool {
    guard let essence = type?.essence else { return false }
    return essence == "application/json" || essence == "text/json" || essence.hasSuffix("+json")
  }

  private static func beginsAsForm(_ body: [UInt8]) -> Bool {
    guard body.starts(with: "--".utf8) else { return false }
    let start = String(decoding: body.prefix(partHeaderByteLimit), as: UTF8.self).lowercased()
    // Not always `form-data`: curl writes `attachment` if it is told to send another type.
    return start.containsText("content-disposition:")
  }

  private static func beginsAsObject(_ body: [UInt8]) -> Bool {
    let start = body.starts(with: [0xef, 0xbb, 0xbf]) ? 3 : 0
    let first = body[start...].first { ![0x20, 0x09, 0x0a, 0x0d].contains($0) }
    return first == UInt8(ascii: "{")
  }
}

// MARK: Words for how an image was sent

extension ImagePayload {
  /// Where the images come from, for an image that cannot be read.
  private enum Origin {
    case whole(String?)
    case address(String)
    /// Names of the parts.
    case form([String])
    case json
    /// Elements of its one input.
    case inference
  }

  /// Bytes in which the name of a form's field is looked for.
  private static let fieldNameByteLimit = 64

  /// Adds to the problem of an image what the client said that it is.
  func explaining(_ problem: Problem, _ index: Int) -> Problem {
    if case .inference = origin {
      var problem = problem
      if count > 1 { problem.detail += "; it is element \(index) of the input" }
      return problem
    }
    let kinds: [ProblemKind] = [.unsupportedImage, .corruptImage, .truncatedImage]
    guard kinds.contains(problem.kind) else { return problem }
    var problem = problem
    switch origin {
    case .json, .inference: break
    case .address(let address): problem.detail += "; it was fetched from \(Quotation.of(address))"
    case .form(let names):
      problem.detail += "; it is the form's part \(Quotation.of(names[index]))"
    case .whole("application/x-www-form-urlencoded"):
      problem.detail += "; it was sent as application/x-www-form-urlencoded: "
      problem.detail +=
        beginsAsField
        ? "send a form's files as multipart/form-data, as curl -F image=@cat.jpg does"
        : "curl's -d changes a file's bytes, -T and --data-binary do not"
    case .whole(let type):
      guard problem.kind == .unsupportedImage else { break }
      let found = type.map { Quotation.of($0) } ?? "missing or malformed"
      problem.detail += "; Content-Type is \(found)"
      problem.detail += " (multipart/form-data and application/json are read too)"
    }
    return problem
  }

  /// Whether the body looks like `name=value`.
  private var beginsAsField: Bool {
    let start = body.prefix(Self.fieldNameByteLimit)
    guard let equals = start.firstIndex(of: UInt8(ascii: "=")), equals > 0 else { return false }
    return start[..<equals].allSatisfy { 0x21...0x7e ~= $0 }
  }
}
