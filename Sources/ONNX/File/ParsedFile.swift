import COnnx

extension ONNXModel {
  /// Reads a file's bytes. No other file is opened: external data stays a location.
  package init(bytes: RawSpan) throws(ONNXError) {
    let file = try ParsedFile(bytes)
    self = try file.model()
  }
}

/// Model parsed by COnnx, open while its values are copied.
@safe struct ParsedFile: ~Copyable {
  // SAFETY: owned by this value alone and closed with it.
  private let handle: OpaquePointer

  init(_ bytes: RawSpan) throws(ONNXError) {
    guard bytes.byteCount > 0 else {
      throw .malformed(reason: "the file is empty; fetch or copy it again")
    }
    var opened: OpaquePointer?
    var reason = ""
    let capacity = Int(ONNX_MESSAGE_BYTE_COUNT)
    // SAFETY: the span is not empty, so it has an address; COnnx writes at most `capacity` bytes
    // and ends them with a zero when it fails.
    let status = unsafe bytes.withUnsafeBytes { file in
      unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: capacity) { message in
        unsafe message.initialize(repeating: 0)
        let status = unsafe onnx_model_read(
          file.baseAddress!.assumingMemoryBound(to: UInt8.self), file.count, &opened,
          message.baseAddress!, capacity)
        if status != ONNX_STATUS_OK { reason = unsafe String(cString: message.baseAddress!) }
        return status
      }
    }
    switch status {
    case ONNX_STATUS_OK: break
    case ONNX_STATUS_UNSUPPORTED: throw .unsupported(reason: reason)
    case ONNX_STATUS_OUT_OF_MEMORY: throw .outOfMemory
    default: throw .malformed(reason: reason)
    }
    guard let opened = unsafe opened else {
      throw .malformed(reason: "the parser returned no model")
    }
    unsafe handle = opened
  }

  deinit { unsafe onnx_model_close(handle) }

  func model() throws(ONNXError) -> ONNXModel {
    var initializers: [String: ONNXTensor] = [:]
    for index in 0..<(unsafe onnx_model_initializer_count(handle)) {
      var source = unsafe onnx_tensor()
      unsafe onnx_model_initializer(handle, index, &source)
      let tensor = try unsafe Self.tensor(source)
      guard !tensor.name.isEmpty, initializers.updateValue(tensor, forKey: tensor.name) == nil
      else { throw .malformed(reason: "two constants are called \"\(tensor.name)\"") }
    }
    var nodes: [ONNXNode] = []
    for index in 0..<(unsafe onnx_model_node_count(handle)) { nodes.append(try node(index)) }

    var inputs: [ONNXValue] = []
    for index in 0..<(unsafe onnx_model_input_count(handle)) {
      var source = unsafe onnx_value()
      unsafe onnx_model_input(handle, index, &source)
      inputs.append(unsafe Self.value(source))
    }
    var outputs: [ONNXValue] = []
    for index in 0..<(unsafe onnx_model_output_count(handle)) {
      var source = unsafe onnx_value()
      unsafe onnx_model_output(handle, index, &source)
      outputs.append(unsafe Self.value(source))
    }
    let result = ONNXModel(
      irVersion: unsafe onnx_model_ir_version(handle),
      producer: unsafe Self.string(onnx_model_producer(handle)),
      graphName: unsafe Self.string(onnx_model_graph_name(handle)),
      opset: unsafe onnx_model_opset(handle),
      metadata: try metadata(),
      inputs: inputs.filter { initializers[$0.name] == nil }, outputs: outputs, nodes: nodes,
      initializers: initializers)
    try result.checkNames(allInputs: inputs)
    return result
  }

  private func metadata() throws(ONNXError) -> [String: String] {
    var metadata: [String: String] = [:]
    for index in 0..<(unsafe onnx_model_metadata_count(handle)) {
      let key = unsafe Self.string(onnx_model_metadata_key(handle, index))
      let value = unsafe Self.string(onnx_model_metadata_value(handle, index))
      guard metadata.updateValue(value, forKey: key) == nil else {
        throw .malformed(reason: "the metadata has \"\(key)\" twice")
      }
    }
    return metadata
  }

  private func node(_ index: Int) throws(ONNXError) -> ONNXNode {
    var source = unsafe onnx_node()
    unsafe onnx_model_node(handle, index, &source)
    var attributes: [String: ONNXAttribute] = [:]
    for position in 0..<(unsafe source.attribute_count) {
      let (name, attribute) = try attribute(position, ofNode: index)
      attributes[name] = attribute
    }
    return unsafe ONNXNode(
      name: Self.string(source.name), operation: Self.string(source.operation),
      domain: Self.string(source.domain),
      inputs: (0..<source.input_count).map {
        unsafe Self.string(onnx_model_node_input(handle, index, $0))
      },
      outputs: (0..<source.output_count).map {
        unsafe Self.string(onnx_model_node_output(handle, index, $0))
      }, attributes: attributes)
  }

  private func attribute(
    _ index: Int, ofNode node: Int
  ) throws(ONNXError) -> (String, ONNXAttribute) {
    var source = unsafe onnx_attribute()
    unsafe onnx_model_node_attribute(handle, node, index, &source)
    let name = unsafe Self.string(source.name)
    switch unsafe source.kind {
    case ONNX_ATTRIBUTE_INT: return (name, .integer(unsafe source.integer))
    case ONNX_ATTRIBUTE_FLOAT: return (name, .number(unsafe source.number))
    case ONNX_ATTRIBUTE_STRING: return (name, .string(unsafe Self.string(source.string)))
    case ONNX_ATTRIBUTE_INTS:
      // SAFETY: `count` numbers of the open model.
      return (
        name,
        .integers(unsafe Array(UnsafeBufferPointer(start: source.integers, count: source.count)))
      )
    case ONNX_ATTRIBUTE_FLOATS:
      // SAFETY: `count` numbers of the open model.
      return (
        name,
        .numbers(unsafe Array(UnsafeBufferPointer(start: source.numbers, count: source.count)))
      )
    case ONNX_ATTRIBUTE_STRINGS:
      let strings = (0..<(unsafe source.count)).map {
        unsafe Self.string(onnx_model_node_attribute_string(handle, node, index, $0))
      }
      return (name, .strings(strings))
    default:
      var tensor = unsafe onnx_tensor()
      unsafe onnx_model_node_attribute_tensor(handle, node, index, &tensor)
      return (name, .tensor(try unsafe Self.tensor(tensor)))
    }
  }

  private static func tensor(_ source: onnx_tensor) throws(ONNXError) -> ONNXTensor {
    let name = unsafe string(source.name)
    guard let elementType = ONNXElementType(rawValue: unsafe source.element_type) else {
      throw .tensor(
        name: name, reason: "element type \(unsafe source.element_type) is not supported")
    }
    // SAFETY: `rank` numbers and `byte_count` bytes of the open model.
    let shape = unsafe UnsafeBufferPointer(start: source.dimensions, count: source.rank).map(
      Int.init)
    let storage: ONNXTensor.Storage
    if unsafe source.is_external {
      storage = unsafe .external(
        location: string(source.location), offset: Int(source.external_offset),
        length: source.external_length < 0 ? nil : Int(source.external_length))
    } else if elementType == .string {
      storage = .strings
    } else {
      storage = unsafe .bytes(
        Array(UnsafeBufferPointer(start: source.bytes, count: source.byte_count)))
    }
    return ONNXTensor(name: name, elementType: elementType, shape: shape, storage: storage)
  }

  private static func value(_ source: onnx_value) -> ONNXValue {
    var source = unsafe source
    // SAFETY: COnnx fills `rank` of the array's elements, which are never fewer.
    let dimensions = unsafe withUnsafeBytes(of: &source.dimensions) { bytes in
      unsafe Array(bytes.bindMemory(to: Int64.self).prefix(source.rank))
    }
    return unsafe ONNXValue(
      name: string(source.name), elementType: ONNXElementType(rawValue: source.element_type),
      shape: source.has_shape ? dimensions.map { $0 < 0 ? nil : Int($0) } : nil)
  }

  /// Copies a string; bytes that are not UTF-8 become replacement characters.
  private static func string(_ source: onnx_string) -> String {
    // SAFETY: `count` bytes of the open model.
    unsafe String(
      decoding: UnsafeRawBufferPointer(start: source.bytes, count: source.count), as: UTF8.self)
  }
}
