import HTTPCore

/// Fuzzes any bytes as a form, with a short boundary and with the longest: parts must lie within
/// it, in order and apart.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzMultipartForm(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let body = unsafe [UInt8](UnsafeBufferPointer(start: start, count: count))
  for boundary in ["b", String(repeating: "a", count: Multipart.boundaryByteLimit)] {
    guard let type = MediaType("multipart/form-data; boundary=\(boundary)"),
      let parts = try? Multipart.parse(body, type, partCountLimit: partCountLimit)
    else { continue }
    check(parts, of: body, Array("\r\n--\(boundary)".utf8))
    checkAgain(parts, of: body, type, boundary)
  }
  return 0
}

private let partCountLimit = 8

private func check(_ parts: [Multipart.Part], of body: [UInt8], _ delimiter: [UInt8]) {
  precondition(parts.count <= partCountLimit, "parts must stay within the limit")
  var end = 0
  for part in parts {
    precondition(part.range.lowerBound >= end, "parts must not overlap")
    precondition(part.range.upperBound <= body.count, "a part must lie in the body")
    end = part.range.upperBound
    let content = body[part.range]
    precondition(
      !content.indices.contains { content[$0...].starts(with: delimiter) },
      "a part that holds a boundary")
  }
}

/// Checks that the same contents, written as a form, are read as the same parts.
private func checkAgain(
  _ parts: [Multipart.Part], of body: [UInt8], _ type: MediaType, _ boundary: String
) {
  var form: [UInt8] = []
  for part in parts {
    form += Array("--\(boundary)\r\nContent-Disposition: form-data; name=a\r\n\r\n".utf8)
    form += body[part.range] + Array("\r\n".utf8)
  }
  form += Array("--\(boundary)--\r\n".utf8)
  guard let again = try? Multipart.parse(form, type, partCountLimit: partCountLimit) else {
    preconditionFailure("written parts must be readable")
  }
  precondition(
    again.map { form[$0.range] } == parts.map { body[$0.range] }, "other contents the second time")
}
