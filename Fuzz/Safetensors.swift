import Checkpoint
import ResNet

/// Any bytes as a model file, with and without labels from outside.
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
    precondition(model.labels.count == classCount, "a label for each class")
    do { try model.graph.validate(model.weights) } catch {
      preconditionFailure("weights that do not fit passed: \(error)")
    }
  }
  return 0
}
