import CYajl
import Glibc
import HTTPCore

/// Places of the images in a JSON body; found in one pass that holds nothing else.
struct JSONImages {
  /// Limit of arrays and objects inside each other; beyond it 400.
  static let depthLimit = 64
  /// Limit of values and keys that are not images; beyond it 400. A document with images needs a
  /// handful.
  static let valueCountLimit = 4096
  /// Bytes that the reader holds at once for a body without escapes.
  static let scratchByteCount = 64 << 10

  /// Ranges of the strings between their quotes, escapes included.
  let ranges: [Range<Int>]
  /// Whether they were a list.
  let isList: Bool

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

  init(_ body: [UInt8], imageCountLimit: Int) throws(Problem) {
    // RFC 8259, section 8.1: a byte order mark at the front may be ignored.
    let start = body.starts(with: [0xef, 0xbb, 0xbf]) ? 3 : 0
    let limits = json_images_limits(
      image_count: imageCountLimit, depth: Self.depthLimit, value_count: Self.valueCountLimit,
      scratch_byte_count: Self.scratchByteCount(for: body))
    var found = json_images_found()
    var status = JSON_IMAGES_OK
    let ranges = unsafe [json_images_range](unsafeUninitializedCapacity: imageCountLimit) {
      buffer, count in
      // SAFETY: the bytes stay in place during the call; there is room for all ranges that it may
      // write.
      guard let places = buffer.baseAddress else { return }
      unsafe body.withUnsafeBufferPointer { text in
        guard let bytes = text.baseAddress else { return }
        status = unsafe json_images_read(
          bytes + start, text.count - start, limits, places, &found)
      }
      count = found.count
    }
    if status == JSON_IMAGES_OUT_OF_MEMORY, limits.scratch_byte_count == Self.scratchByteCount {
      // Without escapes the reader copies only a string or number that is cut off by the end.
      throw .body("the JSON breaks off inside a string or a number; \(Self.expected)")
    }
    if let problem = Self.problem(status, found, imageCountLimit, start) { throw problem }
    self.ranges = ranges.map { start + $0.start..<start + $0.end }
    isList = found.has_images
  }

  private static func problem(
    _ status: json_images_status, _ found: json_images_found, _ imageCountLimit: Int, _ start: Int
  ) -> Problem? {
    switch status {
    case JSON_IMAGES_OK:
      switch (found.has_image, found.has_images) {
      case (true, true):
        .body(#"the JSON object has both "image" and "images"; give one of them"#)
      case (false, false):
        .body(#"the JSON object has neither "image" nor "images"; \#(expected)"#)
      default:
        found.count == 0 ? .body(#""images" is empty; it holds 1 to \#(imageCountLimit)"#) : nil
      }
    case JSON_IMAGES_NOT_AN_OBJECT: .body("the JSON is not an object; \(expected)")
    case JSON_IMAGES_TOO_DEEP: .body("the JSON is nested deeper than \(depthLimit) levels")
    case JSON_IMAGES_TOO_MANY_VALUES:
      .body("the JSON has more than \(valueCountLimit) keys and values beside its images")
    case JSON_IMAGES_TOO_MANY_IMAGES: .tooManyImages(limit: imageCountLimit)
    case JSON_IMAGES_DUPLICATE_IMAGE: .body(#"the key "image" is given twice"#)
    case JSON_IMAGES_DUPLICATE_IMAGES: .body(#"the key "images" is given twice"#)
    case JSON_IMAGES_IMAGE_TYPE: .body(#""image" is not a string; \#(expected)"#)
    case JSON_IMAGES_IMAGES_TYPE: .body(#""images" is not a list of strings; \#(expected)"#)
    case JSON_IMAGES_OUT_OF_MEMORY: .overloaded
    default: .body("\(message(found)) at byte \(start + found.offset) of the JSON; \(expected)")
    }
  }

  private static let expected = #"send {"image": "<base64>"} or {"images": ["<base64>", ...]}"#

  private static func message(_ found: json_images_found) -> String {
    unsafe withUnsafeBytes(of: found.message) { bytes in
      unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
  }
}
