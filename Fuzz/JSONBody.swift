import Foundation
import HTTPCore
import Serving

/// Fuzzes any bytes as the JSON body of a classification: it must give few images, of the bytes
/// that their base64 encodes.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzJSONBody(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let body = unsafe [UInt8](UnsafeBufferPointer(start: start, count: count))
  let images = images(of: body)
  precondition(images.count <= imageCountLimit, "images must stay within the limit")
  // Four characters encode three bytes.
  precondition(
    images.reduce(0) { $0 + ($1?.count ?? 0) } <= body.count, "more bytes than were sent")
  compare(images, with: body)
  return 0
}

/// Small, so that inputs reach it.
private let imageCountLimit = 4

/// Returns the images of a body, nil for one that is not base64; none if the body is refused as a
/// whole.
private func images(of body: [UInt8]) -> [[UInt8]?] {
  let type = MediaType("application/json")
  guard let payload = try? ImagePayload(body, type, imageCountLimit: imageCountLimit) else {
    return []
  }
  return (0..<payload.count).map { index in (try? payload.image(index)).map { Array($0) } }
}

/// Checks that another JSON reader that accepts the body finds the same images, by another reader of
/// base64.
private func compare(_ images: [[UInt8]?], with body: [UInt8]) {
  // No rule says which of two members of one name counts. Foundation drops a byte order mark that
  // begins a string.
  guard !images.isEmpty, occurrences(of: "image", in: body) == 1,
    occurrences(of: "\u{feff}", in: body.dropFirst(3)) == 0,
    let object = try? JSONSerialization.jsonObject(with: Data(body)) as? [String: Any]
  else { return }
  let strings = (object["image"] as? String).map { [$0] } ?? object["images"] as? [String] ?? []
  guard strings.count == images.count else { return }
  for (string, image) in zip(strings, images) {
    // Foundation reads some padding that is too much.
    let whole = Data(base64Encoded: string)
    if let whole, !whole.isEmpty, whole.base64EncodedString() == string {
      precondition(image == [UInt8](whole), "plain base64 must be read")
    } else if let image {
      let expected = Data(base64Encoded: plain(string)).map { [UInt8]($0) }
      precondition(image == expected, "both readers must find the same bytes")
    }
  }
}

/// Writes base64 that may be in lines, for URLs, without padding or in a data URL as plain base64.
private func plain(_ string: String) -> String {
  var scalars = string.unicodeScalars.filter { !" \t\n\r\u{c}".unicodeScalars.contains($0) }
  if scalars.contains(":"), let comma = scalars.firstIndex(of: ",") {
    scalars = String.UnicodeScalarView(scalars[scalars.index(after: comma)...])
  }
  let isMixed =
    scalars.contains { "+/".unicodeScalars.contains($0) }
    && scalars.contains { "-_".unicodeScalars.contains($0) }
  precondition(!isMixed, "two alphabets in one string")
  var text = String(scalars).replacing("-", with: "+").replacing("_", with: "/")
  while !text.count.isMultiple(of: 4) { text += "=" }
  return text
}

private func occurrences(of word: String, in body: some Collection<UInt8>) -> Int {
  let pattern = Array(word.utf8)
  return body.indices.count { body[$0...].starts(with: pattern) }
}
