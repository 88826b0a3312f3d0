/// Parts of a `multipart/form-data` body (RFC 7578; RFC 2046, section 5.1).
package enum Multipart {
  package struct Part: Sendable, Hashable {
    /// Name of the form's field, from `Content-Disposition`.
    package var name: String
    /// Name of the file, from either form of the parameter (RFC 7578, section 4.2).
    package var filename: String?
    package var contentType: String?
    /// Bytes of the body that are the part's content.
    package var range: Range<Int>
  }

  package enum Failure: Error, Hashable {
    /// The media type has no valid boundary, or the body does not follow it; says where.
    case malformed(String)
    case tooManyParts(limit: Int)
  }

  /// Clause that says what to do with a boundary that does not fit.
  private static let remedy =
    "let the HTTP library set the whole Content-Type, as curl -F image=@cat.jpg does"

  /// Bytes of a boundary, 70 (RFC 2046, section 5.1.1).
  package static let boundaryByteLimit = 70
  /// Bytes of one part's header, 4 KiB.
  package static let partHeaderByteLimit = 4096

  /// Finds the parts of `body` in their order; content is not copied.
  package static func parse(
    _ body: [UInt8], _ type: MediaType, partCountLimit: Int
  ) throws(Failure) -> [Part] {
    guard let boundary = type.parameters["boundary"], !boundary.isEmpty,
      boundary.utf8.count <= boundaryByteLimit
    else {
      throw .malformed(
        "Content-Type has no valid boundary, of 1 to \(boundaryByteLimit) bytes; \(remedy)")
    }
    let delimiter = Array("--\(boundary)".utf8)
    guard var position = find(delimiter, in: body, from: 0) else {
      throw .malformed(
        "no line of the body begins with --\(boundary), as Content-Type says of its parts; "
          + remedy)
    }
    var parts: [Part] = []
    while true {
      position += delimiter.count
      if body[position...].starts(with: "--".utf8) { return parts }
      position = skipBlanks(body, position)
      guard body[position...].starts(with: "\r\n".utf8) else {
        throw .malformed(
          "a boundary is followed by other text than -- or a line end; \(remedy)")
      }
      guard parts.count < partCountLimit else { throw .tooManyParts(limit: partCountLimit) }
      let headStart = position + 2
      guard let end = find(delimiter, in: body, from: headStart) else {
        throw .malformed(
          "the closing boundary, --\(boundary)--, is missing; send the whole body")
      }
      parts.append(try part(body, headStart, end - 2))
      position = end
    }
  }

  private static func part(
    _ body: [UInt8], _ start: Int, _ end: Int
  ) throws(Failure) -> Part {
    var fields = HeaderFields()
    var position = start
    while true {
      guard let lineEnd = body[position..<max(position, end)].firstIndex(of: ASCII.lineFeed),
        lineEnd > position, body[lineEnd - 1] == ASCII.carriageReturn,
        lineEnd - start <= partHeaderByteLimit
      else {
        throw .malformed(
          "a part's header is incomplete or longer than \(partHeaderByteLimit) bytes; end its lines "
            + "by CR LF, and it by an empty line")
      }
      let line = String(decoding: body[position..<lineEnd - 1], as: UTF8.self)
      position = lineEnd + 1
      if line.isEmpty { break }
      guard let colon = line.firstIndex(of: ":") else {
        throw .malformed(
          "a part's header line has no colon; write Content-Disposition: form-data; name=\"image\"")
      }
      fields.append(
        String(line[..<colon]), ASCII.trimmed(line[line.index(after: colon)...]))
    }
    // `form-data` is not a media type, but its parameters are written alike.
    let disposition = fields["Content-Disposition"].flatMap {
      MediaType("disposition/" + $0)
    }
    guard let disposition, disposition.essence == "disposition/form-data",
      let name = disposition.parameters["name"]
    else {
      throw .malformed(
        "a part has no form-data name; write Content-Disposition: form-data; name=\"image\"")
    }
    return Part(
      name: name,
      filename: disposition.parameters["filename"] ?? disposition.parameters["filename*"],
      contentType: fields["Content-Type"], range: position..<max(position, end))
  }

  private static func skipBlanks(_ body: [UInt8], _ start: Int) -> Int {
    body[start...].firstIndex { !ASCII.isBlank($0) } ?? body.count
  }

  /// Finds `pattern` at the beginning of a line: at the front or after CR LF.
  private static func find(
    _ pattern: [UInt8], in body: [UInt8], from start: Int
  ) -> Int? {
    var position = start
    while let found = body[position...].firstIndex(of: pattern[0]) {
      let startsLine =
        found == 0
        || (found >= 2 && body[found - 2] == ASCII.carriageReturn
          && body[found - 1] == ASCII.lineFeed)
      if startsLine, body[found...].starts(with: pattern) { return found }
      position = found + 1
    }
    return nil
  }
}
