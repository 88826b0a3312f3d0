import CYajl
import Glibc
import HTTPCore

/// Places of the images in a JSON body; found in one pass that holds nothing else.
struct JSONImages {
  /// Limit of members beside the images; more than there are parameters, so that one beyond it is
  /// not the first that is unknown or given twice.
  private static let memberCountLimit = 8
  /// Bytes that the reader holds at once for a body without escapes.
  static let scratchByteCount = 64 << 10

  /// Ranges of the strings between their quotes, escapes included.
  let ranges: [Range<Int>]
  /// Whether they were a list.
  let isList: Bool
  let parameters: [GivenParameter]
  /// The address of an image that is to be fetched, in place of images.
  let address: String?

  /// Returns the bytes that the reader may hold for this body.
  ///
  /// yajl copies a string with escapes, to the next power of two.
  static func scratchByteCount(for body: [UInt8]) -> Int {
    hasEscapes(body) ? scratchByteCount + 2 * body.count : scratchByteCount
  }

  /// Returns whether any character is escaped, which takes the reader much longer.
  static func hasEscapes(_ body: [UInt8]) -> Bool {
    unsafe body.withUnsafeBytes { bytes in
      // SAFETY: within the array's bytes.
      guard let start = bytes.baseAddress else { return false }
      return unsafe memchr(start, CInt(UInt8(ascii: "\\")), bytes.count) != nil
    }
  }

  init(
    _ body: [UInt8], imageCountLimit: Int, names: ImageRequestNames = .classification
  ) throws(Problem) {
    // RFC 8259, section 8.1: a byte order mark at the front may be ignored.
    let start = body.starts(with: [0xef, 0xbb, 0xbf]) ? 3 : 0
    let limits = json_images_limits(
      image_count: imageCountLimit, member_count: Self.memberCountLimit,
      scratch_byte_count: Self.scratchByteCount(for: body))
    var found = json_images_found()
    var status = JSON_IMAGES_OK
    var members = [json_images_member](
      repeating: json_images_member(), count: Self.memberCountLimit)
    let ranges = unsafe [json_images_range](unsafeUninitializedCapacity: imageCountLimit) {
      buffer, count in
      // SAFETY: the bytes stay in place during the call; there is room for all ranges and members
      // that it may write.
      guard let places = buffer.baseAddress else { return }
      unsafe body.withUnsafeBufferPointer { text in
        guard let bytes = text.baseAddress else { return }
        status = unsafe json_images_read(
          bytes + start, text.count - start, limits, places, &members, &found)
      }
      count = found.count
    }
    if status == JSON_IMAGES_OUT_OF_MEMORY, limits.scratch_byte_count == Self.scratchByteCount {
      // Without escapes the reader copies only a string or number that is cut off by the end.
      throw .body("the JSON breaks off inside a string or a number; \(Self.expected)")
    }
    parameters = members.prefix(found.member_count).map { GivenParameter($0) }
    try Self.checkNames(parameters, names, status)
    if status == JSON_IMAGES_MALFORMED {
      let fault = JSONFault(JSONEvents.message(found.end), in: body, at: start + found.end.offset)
      throw .body(fault.sentence(expected: Self.expected))
    }
    if let problem = Self.problem(status, found, imageCountLimit) { throw problem }
    self.ranges = ranges.map { start + $0.start..<start + $0.end }
    isList = found.has_images
    address =
      found.has_url
      ? Self.string(start + found.url.start..<start + found.url.end, of: body) : nil
  }

  /// Throws for members that are not parameters, unless the text as a whole is wrong.
  private static func checkNames(
    _ parameters: [GivenParameter], _ names: ImageRequestNames, _ status: json_images_status
  ) throws(Problem) {
    guard ![JSON_IMAGES_MALFORMED, JSON_IMAGES_OUT_OF_MEMORY].contains(status) else { return }
    try names.check(parameters)
    if status == JSON_IMAGES_NESTED, let last = parameters.last {
      throw .parameter("\(last.name) is \(names.kind(of: last.name)), not \(last.shown)")
    }
  }

  private static func problem(
    _ status: json_images_status, _ found: json_images_found, _ imageCountLimit: Int
  ) -> Problem? {
    switch status {
    case JSON_IMAGES_OK:
      switch (found.has_image, found.has_images) {
      case (false, false) where found.has_url: nil
      case _ where found.has_url:
        .body(#"the JSON object has an image and "url"; give one of them"#)
      case (true, true):
        .body(#"the JSON object has both "image" and "images"; give one of them"#)
      case (false, false):
        .body(#"the JSON object has neither "image" nor "images"; \#(expected)"#)
      default:
        found.count == 0 ? .body(#""images" is empty; it holds 1 to \#(imageCountLimit)"#) : nil
      }
    case JSON_IMAGES_NOT_AN_OBJECT: .body("the JSON is not an object; \(expected)")
    case JSON_IMAGES_TOO_MANY_MEMBERS:
      .body("the JSON has more than \(memberCountLimit) members beside its images")
    case JSON_IMAGES_TOO_MANY_IMAGES: .tooManyImages(limit: imageCountLimit)
    case JSON_IMAGES_DUPLICATE_IMAGE: .body(#"the key "image" is given twice"#)
    case JSON_IMAGES_DUPLICATE_IMAGES: .body(#"the key "images" is given twice"#)
    case JSON_IMAGES_DUPLICATE_URL: .body(#"the key "url" is given twice"#)
    case JSON_IMAGES_URL_TYPE: .body(#""url" is not a string; \#(expected)"#)
    case JSON_IMAGES_IMAGE_TYPE: .body(#""image" is not a string; \#(expected)"#)
    case JSON_IMAGES_IMAGES_TYPE: .body(#""images" is not a list of strings; \#(expected)"#)
    default: .overloaded
    }
  }

  /// Returns a string of the body, its escapes resolved.
  private static func string(_ range: Range<Int>, of body: [UInt8]) -> String {
    var escaped = EscapedString(range)
    var units: [UInt8] = []
    while let character = escaped.next(body) {
      // A URL is ASCII; nothing else is fetched.
      units.append(UInt8(exactly: character) ?? UInt8(ascii: " "))
    }
    return String(decoding: units, as: UTF8.self)
  }

  private static let expected = #"send {"image": "<base64>"} or {"images": ["<base64>", ...]}"#
}

extension GivenParameter {
  fileprivate init(_ member: json_images_member) {
    let text = Self.string(member.value)
    let isWhole = member.value.byte_count <= Int(JSON_IMAGES_TEXT_BYTE_COUNT)
    let shown =
      switch member.kind {
      case JSON_EVENT_NUMBER: isWhole ? text : text + "…"
      case JSON_EVENT_STRING: "the string \(Quotation.of(text))"
      case JSON_EVENT_BOOLEAN: "a boolean"
      case JSON_EVENT_LIST: "a list"
      case JSON_EVENT_OBJECT: "an object"
      default: "null"
      }
    self.init(
      Self.string(member.name), .json,
      text: [JSON_EVENT_NUMBER, JSON_EVENT_BOOLEAN].contains(member.kind) && isWhole ? text : nil,
      string: member.kind == JSON_EVENT_STRING && isWhole ? text : nil, shown: shown,
      isNull: member.kind == JSON_EVENT_NULL)
  }

  private static func string(_ text: json_images_text) -> String {
    unsafe withUnsafeBytes(of: text.bytes) { bytes in
      unsafe String(decoding: bytes.prefix(text.byte_count), as: UTF8.self)
    }
  }
}
