import Checkpoint
import ONNX
import ResNet

/// Fuzzes any bytes as an ONNX file: imports it as a network, and runs it on zeros if it can be
/// read, under small limits.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzONNXFile(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = unsafe [UInt8](UnsafeBufferPointer(start: start, count: count))
  // Errors are the expected end of most inputs; a crash, a hang or a leak is not.
  importNetwork(bytes)
  evaluate(bytes)
  return 0
}

private func importNetwork(_ bytes: [UInt8]) {
  var options = ModelOptions()
  options.numbersClasses = true
  guard let model = try? Model.load(bytes: bytes, fileName: "fuzz.onnx", options: options) else {
    return
  }
  do { try model.graph.validate(model.weights) } catch {
    preconditionFailure("accepted weights must fit: \(error)")
  }
}

private func evaluate(_ bytes: [UInt8]) {
  // SAFETY: the bytes of an array of bytes, for the call.
  guard let model = try? unsafe ONNXModel(bytes: bytes.span.bytes) else { return }
  var limits = ONNXLimits()
  limits.elementCountLimit = 1 << 16
  limits.liveElementCountLimit = 1 << 20
  limits.workLimit = 1 << 24
  var inputs: [String: DenseTensor] = [:]
  for input in model.inputs {
    let type = input.elementType ?? .float
    let shape = (input.shape ?? []).map { $0 ?? 2 }
    guard type != .string,
      let count = ONNXTensor.elementCount(shape, limit: limits.elementCountLimit)
    else { return }
    inputs[input.name] = DenseTensor(
      type, shape, bytes: [UInt8](repeating: 0, count: count * type.byteCount))
  }
  _ = try? Evaluator(limits: limits).run(model, inputs: inputs) { (tensor) throws(ONNXError) in
    throw .tensor(name: tensor.name, reason: "outside the file")
  }
}
