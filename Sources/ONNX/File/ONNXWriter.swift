import COnnx

/// Writer of an ONNX file: protobuf takes the pieces one by one; they are checked and written at
/// the end.
///
/// Names and strings must have no zero bytes. `write` throws the first failure of any step.
@safe package struct ONNXWriter: ~Copyable {
  /// Operator set that is written, which every tool reads by now.
  package static let opset = 13
  package static let irVersion = 7
  /// Bytes of a file.
  package static let fileByteCountLimit = Int(ONNX_FILE_BYTE_COUNT_LIMIT)

  // SAFETY: owned by this value alone and closed with it.
  private let handle: OpaquePointer

  package init(
    producer: String, version: String, graphName: String
  ) throws(ONNXError) {
    let opened = unsafe onnx_writer_open(
      producer, version, graphName, Int64(Self.irVersion), Int64(Self.opset))
    guard let opened = unsafe opened else { throw .outOfMemory }
    unsafe handle = opened
  }

  deinit { unsafe onnx_writer_close(handle) }

  package func addMetadata(_ value: String, forKey key: String) {
    unsafe onnx_writer_add_metadata(handle, key, value)
  }

  /// Adds an fp32 input; a dimension of nil stands for the batch's size.
  package func addInput(_ name: String, shape: [Int?]) {
    let dimensions = shape.map { Int64($0 ?? -1) }
    unsafe onnx_writer_add_input(handle, name, dimensions, dimensions.count)
  }

  /// Adds an output, like an input.
  package func addOutput(_ name: String, shape: [Int?]) {
    let dimensions = shape.map { Int64($0 ?? -1) }
    unsafe onnx_writer_add_output(handle, name, dimensions, dimensions.count)
  }

  /// Adds a constant; `bytes` are little-endian, row-major, as many as type and shape ask for, at
  /// least one.
  package func addInitializer(
    _ name: String, _ type: ONNXElementType, shape: [Int], bytes: RawSpan
  ) {
    let dimensions = shape.map { Int64($0) }
    // SAFETY: COnnx copies `count` bytes during the call.
    unsafe bytes.withUnsafeBytes { buffer in
      unsafe onnx_writer_add_initializer(
        handle, name, type.rawValue, dimensions, dimensions.count,
        buffer.baseAddress?.assumingMemoryBound(to: UInt8.self), buffer.count)
    }
  }

  /// Adds a node; its attributes must be integers, lists of them, numbers or strings.
  package func addNode(_ node: ONNXNode) {
    unsafe onnx_writer_begin_node(handle, node.name, node.operation)
    for input in node.inputs { unsafe onnx_writer_add_node_input(handle, input) }
    for output in node.outputs { unsafe onnx_writer_add_node_output(handle, output) }
    // Sorted, so that equal models make equal files.
    for (name, value) in node.attributes.sorted(by: { $0.key < $1.key }) {
      switch value {
      case .integer(let value): unsafe onnx_writer_add_node_integer(handle, name, value)
      case .number(let value): unsafe onnx_writer_add_node_number(handle, name, value)
      case .integers(let values):
        unsafe onnx_writer_add_node_integers(handle, name, values, values.count)
      case .string(let value): unsafe onnx_writer_add_node_string(handle, name, value)
      case .tensor, .numbers, .strings:
        preconditionFailure("attributes must be integers, lists of them, numbers or strings")
      }
    }
  }

  /// Runs ONNX's checker and writes to an open file.
  package func write(to descriptor: CInt) throws(ONNXError) {
    let capacity = Int(ONNX_MESSAGE_BYTE_COUNT)
    var reason = ""
    // SAFETY: COnnx writes at most `capacity` bytes and ends them with a zero when it fails.
    let status = unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: capacity) {
      message in
      unsafe message.initialize(repeating: 0)
      let status = unsafe onnx_writer_write(
        handle, descriptor, message.baseAddress!, capacity)
      if status != ONNX_STATUS_OK { reason = unsafe String(cString: message.baseAddress!) }
      return status
    }
    switch status {
    case ONNX_STATUS_OK: return
    case ONNX_STATUS_NOT_WRITTEN: throw .notWritten(reason: reason)
    case ONNX_STATUS_OUT_OF_MEMORY: throw .outOfMemory
    case ONNX_STATUS_OVER_LIMIT: throw .unsupported(reason: reason)
    default: throw .malformed(reason: reason)
    }
  }
}
