/// One image that is to be classified, or the reason why it cannot be read.
struct ListedImage: Sendable, Hashable {
  enum Origin: Sendable {
    /// Named on the command line: it may be a pipe, or `-` for standard input.
    case operand
    /// Found by a pattern, a list or, by the ending of its name, in a folder: a regular file.
    case file
    /// Found in a folder, with a name that does not tell what it is.
    case unnamed
  }

  var path: String
  var origin: Origin
  /// Reason why nothing can be read, known before it is tried.
  var fault: String?
  /// Bytes that are on their way, of an image that is no file but an object in a bucket.
  var object: ImageObject?

  init(
    _ path: String, _ origin: Origin, fault: String? = nil, object: ImageObject? = nil
  ) {
    (self.path, self.origin, self.fault, self.object) = (path, origin, fault, object)
  }

  /// Makes the image of a path's bytes, or a fault if they are not UTF-8: no answer could name it.
  init(_ bytes: [UInt8], _ origin: Origin) {
    guard let path = String(validating: bytes, as: UTF8.self) else {
      self.init(Self.escaped(bytes), origin, fault: Self.encodingFault)
      return
    }
    self.init(path, origin)
  }

  static let encodingFault = "its name is not UTF-8; rename it (convmv does that for many)"

  /// Returns the text of a name in which bytes that are not UTF-8 stand as `\xE9`.
  static func escaped(_ bytes: [UInt8]) -> String {
    var text = ""
    var rest = bytes[...]
    while let byte = rest.first {
      // A character of UTF-8 has at most four bytes.
      let character = (1...4).lazy.compactMap { count in
        count <= rest.count ? String(validating: rest.prefix(count), as: UTF8.self) : nil
      }.first
      if let character {
        text += character
        rest = rest.dropFirst(character.utf8.count)
      } else {
        let digits = String(byte, radix: 16, uppercase: true)
        text += "\\x" + (digits.utf8.count < 2 ? "0" : "") + digits
        rest = rest.dropFirst()
      }
    }
    return text
  }
}
