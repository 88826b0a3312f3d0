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

/// Checks that another JSON reader that accepts the body finds the same images.
private func compare(_ images: [[UInt8]?], with body: [UInt8]) {
  // No rule says which of two members of one name counts.
  guard !images.isEmpty, occurrences(of: "image", in: body) == 1,
    let object = try? JSONSerialization.jsonObject(with: Data(body)) as? [String: Any]
  else { return }
  let strings = (object["image"] as? String).map { [$0] } ?? object["images"] as? [String] ?? []
  guard strings.count == images.count else { return }
  for (string, image) in zip(strings, images) {
    guard let image, let expected = Data(base64Encoded: string) else { continue }
    precondition(image == [UInt8](expected), "both readers must find the same bytes")
  }
}

private func occurrences(of word: String, in body: [UInt8]) -> Int {
  let pattern = Array(word.utf8)
  return body.indices.count { body[$0...].starts(with: pattern) }
}
