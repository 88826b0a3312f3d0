import ONNX

/// Any bytes as an ONNX file; what can be read is run on zeros, under small limits.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzONNXFile(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = unsafe [UInt8](UnsafeBufferPointer(start: start, count: count))
  // Errors are the expected end of most inputs; a crash, a hang or a leak is not.
  // SAFETY: the bytes of an array of bytes, for the call.
  guard let model = try? unsafe ONNXModel(bytes: bytes.span.bytes) else { return 0 }
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
    else { return 0 }
    inputs[input.name] = DenseTensor(
      type, shape, bytes: [UInt8](repeating: 0, count: count * type.byteCount))
  }
  _ = try? Evaluator(limits: limits).run(model, inputs: inputs) { (tensor) throws(ONNXError) in
    throw .tensor(name: tensor.name, reason: "outside the file")
  }
  return 0
}
