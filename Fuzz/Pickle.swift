import Checkpoint
import ResNet

/// Fuzzes any bytes as a PyTorch file of either form. Bytes that begin differently are read as a
/// pickle alone, and as that of the older form's value.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzPickle(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = unsafe [UInt8](UnsafeBufferPointer(start: start, count: count))
  load(bytes)
  if !bytes.starts(with: [0x50, 0x4b]), !bytes.starts(with: streamStart) {
    load(streamStart + bytes)
  }
  return 0
}

private func load(_ bytes: [UInt8]) {
  // Errors are the expected end of most inputs; a crash, a hang or a leak is not.
  guard
    let model = try? Model.load(
      bytes: bytes, fileName: "fuzz", options: ModelOptions(labels: ["a", "b", "c"]))
  else { return }
  let classCount = try? model.graph.outputShape.channels
  precondition(model.labels.count == classCount, "each class must have a label")
  do { try model.graph.validate(model.weights) } catch {
    preconditionFailure("accepted weights must fit: \(error)")
  }
}

/// The magic number, the protocol and an empty dictionary of facts about the system.
private let streamStart: [UInt8] = [
  0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e,
  0x80, 2, 0x4d, 0xe9, 0x03, 0x2e, 0x80, 2, 0x7d, 0x2e,
]
