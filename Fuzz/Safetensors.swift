import Checkpoint
import ResNet

/// Fuzzes any bytes as a model file, with and without labels from outside.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzSafetensors(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = unsafe [UInt8](UnsafeBufferPointer(start: start, count: count))
  for labels in [nil, ["a", "b", "c"]] {
    // Errors are the expected end of most inputs; a crash, a hang or a leak is not.
    guard
      let model = try? Model.load(
        bytes: bytes, fileName: "fuzz", options: ModelOptions(labels: labels))
    else { continue }
    let classCount = try? model.graph.outputShape.channels
    precondition(model.labels.count == classCount, "each class must have a label")
    do { try model.graph.validate(model.weights) } catch {
      preconditionFailure("accepted weights must fit: \(error)")
    }
  }
  return 0
}
