/// A file as a web server that knows ranges serves it (RFC 9110, section 14).
package struct ServedFile: Sendable {
  package let bytes: [UInt8]
  package let etag: String?

  package init(_ bytes: [UInt8], etag: String? = "\"one\"") {
    self.bytes = bytes
    self.etag = etag
  }

  /// Answers a request for the file.
  ///
  /// - Parameter cut: Bytes of the body that are sent; the connection is closed after them.
  package func answer(_ head: String, cut: Int = .max) -> [UInt8] {
    var fields = etag.map { "ETag: \($0)\r\n" } ?? ""
    var start = 0
    var status = "200 OK"
    if let first = Self.field("Range", head)?.dropFirst("bytes=".count).dropLast(),
      let offset = Int(first), Self.field("If-Range", head) == etag
    {
      guard offset < bytes.count else {
        return Array("HTTP/1.1 416 Range Not Satisfiable\r\nContent-Length: 0\r\n\r\n".utf8)
      }
      start = offset
      status = "206 Partial Content"
      fields += "Content-Range: bytes \(start)-\(bytes.count - 1)/\(bytes.count)\r\n"
    }
    let head = "HTTP/1.1 \(status)\r\nContent-Length: \(bytes.count - start)\r\n\(fields)\r\n"
    return Array(head.utf8) + bytes[start...].prefix(cut)
  }

  /// The value of a header field.
  package static func field(_ name: String, _ head: String) -> String? {
    for line in head.split(separator: "\r\n") where line.hasPrefix("\(name): ") {
      return String(line.dropFirst(name.count + 2))
    }
    return nil
  }
}
