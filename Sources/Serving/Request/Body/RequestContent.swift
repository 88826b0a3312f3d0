import HTTPCore
import Machine

/// A request's body and the images found in it; belongs to whoever has the job, one thread at a
/// time.
///
/// Nobody else holds the body, so its images can be decoded in place. Its memory is given back with
/// this object.
final class RequestContent: @unchecked Sendable {
  /// Bytes of JSON with escapes that would keep a worker too long.
  private static let longTextByteCount = 1 << 20

  /// Bytes of the body as it was sent.
  let byteCount: Int
  /// The field as it stands: parsed where it is needed, it would take many times its memory.
  private let type: String?
  let dialect: Dialect
  private let names: ImageRequestNames
  /// Key that pays for the images; nil where everybody may ask.
  private let key: APIKey?
  private var body: [UInt8]
  /// Keeps the body's part of the memory budget.
  private var hold: (any BodyHold)?
  /// Coding of the body; nil if it is as it is, or plain by now.
  private var coded: CodedBody?
  private var opened: ImagePayload?

  /// Takes an image that has been fetched for a request.
  init(_ image: [UInt8], fetchedFrom address: String, _ dialect: Dialect, hold: any BodyHold) {
    byteCount = image.count
    (type, self.dialect, names) = (nil, dialect, dialect.names)
    (body, self.hold, coded, key) = ([], nil, nil, nil)
    opened = ImagePayload(image, fetchedFrom: address, hold: hold)
  }

  /// - Parameter names: Names that parameters beside the images may have, if not the dialect's.
  init(
    _ body: [UInt8], _ type: String?, _ dialect: Dialect = .classification,
    names: ImageRequestNames? = nil, coded: CodedBody? = nil, key: APIKey? = nil,
    hold: (any BodyHold)?
  ) {
    byteCount = body.count
    (self.type, self.dialect, self.names) = (type, dialect, names ?? dialect.names)
    (self.coded, self.key) = (coded, key)
    self.body = body
    self.hold = hold
  }

  /// Tells whether finding the images takes more than a few milliseconds. Decompresses a body of
  /// which little comes out, for nothing else tells.
  ///
  /// Escapes in JSON are copied character by character, and numbers passed over one by one.
  func takesLongToRead() -> Bool {
    guard opened == nil else { return false }
    if let coded {
      guard byteCount < CodedBody.longByteCount else { return true }
      do throws(Problem) {
        guard let plain = try coded.plainIfShort(body) else { return true }
        takePlain(plain)
      } catch {
        // `payload` says so.
        return false
      }
    }
    guard body.count >= Self.longTextByteCount else { return false }
    guard case .inference(let jsonByteCount) = dialect else {
      return ImagePayload.hasEscapes(body, type.flatMap(MediaType.init))
    }
    return jsonByteCount ?? body.count >= Self.longTextByteCount
  }

  /// Returns the images, which the first call finds, and has their key pay for.
  func payload(imageCountLimit: Int, memory: MemoryBudget) throws(Problem) -> ImagePayload {
    if let opened { return opened }
    let bytes = try takePlainBody()
    let payload: ImagePayload
    if case .inference(let jsonByteCount) = dialect {
      payload = try ImagePayload(
        inference: bytes, jsonByteCount: jsonByteCount, imageCountLimit: imageCountLimit,
        memory: memory, hold: hold)
    } else {
      payload = try ImagePayload(
        bytes, type.flatMap(MediaType.init), imageCountLimit: imageCountLimit, names: names,
        memory: memory, hold: hold)
    }
    try key?.count(images: payload.count, at: .now)
    opened = payload
    return payload
  }

  /// Takes the body as it was before its coding.
  private func takePlainBody() throws(Problem) -> [UInt8] {
    if let coded, !body.isEmpty { takePlain(try coded.plain(body)) }
    var bytes: [UInt8] = []
    swap(&bytes, &body)
    return bytes
  }

  /// Replaces the body by what was in it.
  private func takePlain(_ plain: CodedBody.Plain) {
    var coded: [UInt8] = []
    swap(&coded, &body)
    hold?.keepBuffer(coded)
    (body, hold, self.coded) = (plain.bytes, plain.hold, nil)
  }
}

extension RequestHead {
  /// Throws if the bytes are not the plain, whole content.
  func checkContent() throws(Problem) {
    let codings = fields.tokens(of: "Content-Encoding").filter { $0 != "identity" }
    if let coding = codings.first {
      // RFC 9110, sections 12.5.3 and 15.5.16.
      var problem = Problem(
        415, .unsupportedEncoding,
        "Content-Encoding \(coding) is not supported here; send the content as it is")
      problem.acceptEncoding = "identity"
      throw problem
    }
    try checkWhole()
  }

  /// Throws if the bytes are not the whole content.
  func checkWhole() throws(Problem) {
    // RFC 9110, section 14.5: a part must not be taken for the whole.
    if method == "PUT", fields["Content-Range"] != nil {
      throw Problem(
        400, .partialContent, "Content-Range is not supported for PUT; send the whole content")
    }
  }
}
