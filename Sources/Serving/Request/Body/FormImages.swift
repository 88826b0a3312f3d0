import HTTPCore
import Imaging

/// Places of the images in a form, which are its files under whatever name, and its fields.
struct FormImages {
  /// Largest number of parts of a form that are not images.
  private static let otherPartCountLimit = 16
  /// Largest number of parts that an error names.
  private static let namedPartCountLimit = 8
  /// Bytes of a field's value that are read; a number needs less.
  private static let valueByteLimit = 64

  let images: [(name: String, range: Range<Int>)]
  let parameters: [GivenParameter]

  init(
    _ body: [UInt8], _ type: MediaType?, imageCountLimit: Int, names: ImageRequestNames
  ) throws(Problem) {
    let parts = try Self.parts(body, type, imageCountLimit)
    let files = parts.filter { Self.isFile($0, body, names) }
    images = files.filter { !Self.isUnchosen($0) }.map { ($0.name, $0.range) }
    guard !images.isEmpty else { throw Self.noFile(parts, body, names) }
    guard images.count <= imageCountLimit else { throw .tooManyImages(limit: imageCountLimit) }
    parameters = parts.filter { !Self.isFile($0, body, names) }.map { Self.parameter($0, body) }
    try names.check(parameters)
  }

  private static func parts(
    _ body: [UInt8], _ type: MediaType?, _ imageCountLimit: Int
  ) throws(Problem) -> [Multipart.Part] {
    guard let type, type.essence == "multipart/form-data", type.parameters["boundary"] != nil else {
      let found =
        switch type?.essence {
        case nil: "missing or malformed"
        case "multipart/form-data": "multipart/form-data without one"
        case let other?: Quotation.of(other)
        }
      throw .body(
        "a form's boundary must be in Content-Type, which is \(found); leave that field to your HTTP "
          + "library")
    }
    do throws(Multipart.Failure) {
      return try Multipart.parse(
        body, type, partCountLimit: imageCountLimit + Self.otherPartCountLimit)
    } catch {
      switch error {
      case .malformed(let reason): throw .body("multipart/form-data: \(reason)")
      case .tooManyParts:
        throw Problem(
          413, .tooManyImages,
          "the form has more parts than \(imageCountLimit) images and "
            + "\(Self.otherPartCountLimit) other fields")
      }
    }
  }

  /// Whether a part is a file: by its file name, unless it has the name of a parameter by its type,
  /// or by its first bytes.
  private static func isFile(
    _ part: Multipart.Part, _ body: [UInt8], _ names: ImageRequestNames
  ) -> Bool {
    if part.filename != nil { return true }
    if names.contains(part.name) { return false }
    let essence = part.contentType.flatMap { MediaType($0) }?.essence ?? "text/plain"
    if essence.hasPrefix("image/") || essence == "application/octet-stream" { return true }
    return ImageFormat(magicBytesOf: body.span.extracting(part.range)) != nil
  }

  /// Whether it is what browsers send for a file that nobody has chosen (HTML, section 4.10.22.4).
  private static func isUnchosen(_ part: Multipart.Part) -> Bool {
    part.filename == "" && part.range.isEmpty
  }

  private static func parameter(_ part: Multipart.Part, _ body: [UInt8]) -> GivenParameter {
    let value = String(decoding: body[part.range].prefix(Self.valueByteLimit), as: UTF8.self)
    let isWhole = part.range.count <= Self.valueByteLimit
    return GivenParameter(
      part.name, .form, text: isWhole ? value : nil, string: isWhole ? value : nil,
      shown: Quotation.value(value))
  }

  private static func noFile(
    _ parts: [Multipart.Part], _ body: [UInt8], _ names: ImageRequestNames
  ) -> Problem {
    let advice = "send one, for example with curl -F image=@cat.jpg, or base64 in JSON"
    guard !parts.isEmpty else { return .body("the form is empty: it has no file; \(advice)") }
    var found = parts.prefix(namedPartCountLimit).map { part in
      let name = Quotation.of(part.name)
      return isFile(part, body, names)
        ? "\(name) without a chosen file" : "\(name) with \(part.range.count) bytes of text"
    }
    if parts.count > found.count { found.append("\(parts.count - found.count) more") }
    return .body(
      "no part of the form is a file: it has \(found.joined(separator: ", ")); \(advice)")
  }
}
