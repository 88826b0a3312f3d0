import HTTPCore
import Serving

/// Fuzzes any bytes as a body in JSON, of a form or of a type that says nothing: images must lie
/// inside it, at most as many as are allowed, and parameters must be known ones. The same bytes are
/// an inference, of JSON alone and with a tensor after as many bytes as the first one says.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzRequestBody(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = unsafe [UInt8](UnsafeBufferPointer(start: start, count: count))
  for type in [
    "application/json", "multipart/form-data; boundary=b", "image/jpeg",
    "application/x-www-form-urlencoded",
  ] {
    guard let payload = try? ImagePayload(bytes, MediaType(type), imageCountLimit: 4) else {
      continue
    }
    precondition(1...4 ~= payload.count, "images must stay within the limit")
    let names = Set(payload.parameters.map(\.name))
    precondition(
      names.isSubset(of: ["top_k", "min_probability", "features"]), "names must be known")
    precondition(names.count == payload.parameters.count, "names must not repeat")
    let sum = try? ClassificationParameters().adding(payload.parameters, classCount: 10)
    precondition(sum?.topK.map { 1...10 ~= $0 } ?? true, "a value must be in its range")
    // Backwards, and twice: no image may disturb another.
    var found: [[UInt8]?] = []
    for index in (0..<payload.count).reversed() {
      found.append((try? payload.image(index)).map { Array($0) })
    }
    for (offset, index) in (0..<payload.count).reversed().enumerated() {
      let again = (try? payload.image(index)).map { Array($0) }
      precondition(again == found[offset], "an image must not change")
      precondition(
        again.map { $0.count <= bytes.count } ?? true, "an image must not be larger than its body")
    }
  }
  fuzzInference(bytes, jsonByteCount: nil)
  fuzzInference(bytes, jsonByteCount: bytes.first.map { Int($0) })
  return 0
}

private func fuzzInference(_ bytes: [UInt8], jsonByteCount: Int?) {
  guard
    let payload = try? ImagePayload(
      inference: bytes, jsonByteCount: jsonByteCount, imageCountLimit: 4)
  else { return }
  precondition(1...4 ~= payload.count, "images must stay within the limit")
  for index in 0..<payload.count {
    if payload.holdsTensors {
      let numbers = try? payload.numbers(index)
      precondition(numbers?.allSatisfy(\.isFinite) ?? true, "numbers must be finite")
    } else {
      let image = try? payload.image(index)
      precondition((image?.count ?? 0) <= bytes.count, "an image must lie in its body")
    }
  }
}
