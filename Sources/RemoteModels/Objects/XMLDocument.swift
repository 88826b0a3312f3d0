import CExpat

/// An element that has ended, with the characters that stand directly in it.
struct XMLElement: Hashable {
  /// Names from the root on, with `/` between.
  let path: String
  let text: String
}

/// A small XML document without a type declaration, read by expat.
package enum XMLDocument {
  /// Version of expat as loaded, as `2.5.0`.
  package static var libraryVersion: String {
    let version = XML_ExpatVersionInfo()
    return "\(version.major).\(version.minor).\(version.micro)"
  }

  private static let depthLimit = 16

  struct Fault: Error, Hashable {
    let line: Int
    let reason: String
  }

  /// State of a reading, which expat hands to its functions.
  @safe
  private final class Reading {
    // SAFETY: the parser lives as long as the reading is used.
    private let parser: OpaquePointer
    private var open: [(path: String, text: [UInt8])] = []
    private(set) var elements: [XMLElement] = []
    private(set) var refusal: String?

    init(_ parser: OpaquePointer) { unsafe self.parser = parser }

    func begin(_ name: String) {
      guard open.count < depthLimit else {
        return stop("more than \(depthLimit) elements inside each other")
      }
      open.append((open.last.map { $0.path + "/" + name } ?? name, []))
    }

    func take(_ bytes: UnsafeBufferPointer<UInt8>) {
      guard let last = open.indices.last else { return }
      unsafe open[last].text.append(contentsOf: bytes)
    }

    func end() {
      guard let element = open.popLast() else { return }
      elements.append(
        XMLElement(path: element.path, text: String(decoding: element.text, as: UTF8.self)))
    }

    /// Ends the reading.
    func stop(_ reason: String) {
      refusal = reason
      unsafe XML_StopParser(parser, 0)
    }
  }

  /// Returns the elements in the order of their ends.
  static func elements(of bytes: [UInt8]) throws(Fault) -> [XMLElement] {
    guard bytes.count <= Int(CInt.max), let parser = unsafe XML_ParserCreate("UTF-8") else {
      throw Fault(line: 0, reason: "no memory for it")
    }
    defer { unsafe XML_ParserFree(parser) }
    let reading = unsafe Reading(parser)
    // SAFETY: the reading outlives the parsing, and expat lends names and characters during a call.
    unsafe XML_SetUserData(parser, Unmanaged.passUnretained(reading).toOpaque())
    unsafe XML_SetElementHandler(parser, begin, end)
    unsafe XML_SetCharacterDataHandler(parser, take)
    // Entities would be declared there.
    unsafe XML_SetStartDoctypeDeclHandler(parser, refuseType)
    let status = withExtendedLifetime(reading) {
      unsafe bytes.withUnsafeBytes { buffer in
        unsafe XML_Parse(
          parser, buffer.baseAddress?.assumingMemoryBound(to: CChar.self), CInt(buffer.count), 1)
      }
    }
    guard status == XML_STATUS_OK else {
      let line = unsafe Int(XML_GetCurrentLineNumber(parser))
      let words = unsafe XML_ErrorString(XML_GetErrorCode(parser))
      let reason = unsafe words.map { unsafe String(cString: $0) }
      throw Fault(line: line, reason: reading.refusal ?? reason ?? "not XML")
    }
    return reading.elements
  }

  private static func reading(_ context: UnsafeMutableRawPointer?) -> Reading {
    // SAFETY: the context is what `elements` gave.
    unsafe Unmanaged<Reading>.fromOpaque(context!).takeUnretainedValue()
  }

  private static let begin: XML_StartElementHandler = { context, name, _ in
    unsafe reading(context).begin(name.map { unsafe String(cString: $0) } ?? "")
  }

  private static let end: XML_EndElementHandler = { context, _ in
    unsafe reading(context).end()
  }

  private static let take: XML_CharacterDataHandler = { context, text, count in
    guard let text = unsafe text else { return }
    unsafe text.withMemoryRebound(to: UInt8.self, capacity: Int(count)) { bytes in
      unsafe reading(context).take(UnsafeBufferPointer(start: bytes, count: Int(count)))
    }
  }

  private static let refuseType: XML_StartDoctypeDeclHandler = { context, _, _, _, _ in
    unsafe reading(context).stop("it declares a document type")
  }
}
