import Machine

/// What an inference's body holds: its request, and where its images are.
///
///     JSON alone                     header field absent
///     JSON │ bytes of the input      Inference-Header-Content-Length: bytes of the JSON
///     one encoded image              Inference-Header-Content-Length: 0
///
/// Knows no model: whether the shape and the outputs are those of one is for `InferenceAnswer`.
struct InferenceBody {
  enum Images {
    /// Encoded images as they are.
    case raw([Range<Int>])
    /// Encoded images in base64, escapes included.
    case base64([Range<Int>])
    case tensors(TensorPlaces)
  }

  let request: InferenceRequest
  let images: Images

  /// Bytes of the length before each element of binary BYTES.
  private static let lengthByteCount = 4

  init(
    _ body: [UInt8], jsonByteCount: Int?, imageCountLimit: Int, memory: MemoryBudget?
  ) throws(Problem) {
    if jsonByteCount == 0 {
      // As Triton answers such a request.
      request = InferenceRequest(isBinaryByDefault: true)
      images = .raw([body.indices])
      return
    }
    let end = jsonByteCount ?? body.count
    guard end <= body.count else {
      throw .body(
        "Inference-Header-Content-Length is \(end), and the body has \(body.count) bytes")
    }
    request = try Self.request(body, upTo: end, imageCountLimit, memory)
    let (input, kind) = try Self.input(request)
    let rest = end..<body.count
    try Self.checkSource(input, kind, rest, hasLength: jsonByteCount != nil)
    switch kind {
    case .image: images = try Self.encoded(input, body, rest, imageCountLimit)
    case .input: images = .tensors(try Self.tensors(input, body, rest, imageCountLimit))
    }
  }

  private static func request(
    _ body: [UInt8], upTo end: Int, _ imageCountLimit: Int, _ memory: MemoryBudget?
  ) throws(Problem) -> InferenceRequest {
    var scratchByteCount = JSONEvents.scratchByteCount
    var scratch: Reservation?
    if JSONImages.hasEscapes(body) {
      scratchByteCount += 2 * end
      scratch = memory?.reserve(scratchByteCount, use: .bodies)
      if memory != nil, scratch == nil { throw .overloaded }
    }
    let reader = InferenceReader(imageCountLimit: imageCountLimit)
    try JSONEvents.read(
      body, upTo: end, scratchByteCount: scratchByteCount, expected: InferenceReader.expected,
      into: reader)
    _ = scratch
    return reader.request
  }

  /// Returns the one input, with its name known and its data type right.
  private static func input(
    _ request: InferenceRequest
  ) throws(Problem) -> (InferenceRequest.Input, InferenceInputKind) {
    guard let input = request.inputs.first else {
      throw .body("the request has no inputs; \(InferenceReader.expected)")
    }
    let name = input.name ?? ""
    guard request.inputs.count == 1 else {
      let other = request.inputs[1].name ?? ""
      throw .body(
        other == name
          ? "the input \(Quotation.of(name)) is given twice; give it once"
          : "an inference has one input, image or input, not both")
    }
    guard let kind = InferenceInputKind(rawValue: name) else {
      throw .body(
        "\(Quotation.of(name)) is not an input; there are image (BYTES, an encoded image per "
          + "element) and input (FP32, preprocessed)")
    }
    guard input.datatype == kind.datatype else {
      throw .body(
        "the datatype of \(name) is \(kind.datatype), not "
          + (input.datatype.map { Quotation.of($0) } ?? "missing"))
    }
    return (input, kind)
  }

  /// Throws unless the elements stand in one place, and nothing else stands after the JSON.
  private static func checkSource(
    _ input: InferenceRequest.Input, _ kind: InferenceInputKind, _ rest: Range<Int>,
    hasLength: Bool
  ) throws(Problem) {
    let name = kind.rawValue
    guard let size = input.binaryByteCount else {
      guard input.data != nil else {
        throw .body("the input \(name) has neither data nor the parameter binary_data_size")
      }
      guard rest.isEmpty else {
        throw .body(
          "\(rest.count) bytes follow the JSON, and no input has the parameter binary_data_size")
      }
      return
    }
    guard input.data == nil else {
      throw .body("the input \(name) has both data and the parameter binary_data_size")
    }
    guard hasLength else {
      throw .body(
        "binary_data_size needs the header field Inference-Header-Content-Length, the bytes of the "
          + "JSON")
    }
    guard size == rest.count else {
      throw .body("binary_data_size is \(size), and \(rest.count) bytes follow the JSON")
    }
  }

  // MARK: Encoded images

  private static func encoded(
    _ input: InferenceRequest.Input, _ body: [UInt8], _ rest: Range<Int>, _ imageCountLimit: Int
  ) throws(Problem) -> Images {
    guard let shape = input.shape, shape.count == 1 else {
      throw .body("the shape of image is [N], the number of images, not \(text(input.shape))")
    }
    let count = shape[0]
    try checkCount(count, imageCountLimit)
    guard let data = input.data else {
      guard input.contentType == nil else {
        throw .body(
          "binary image bytes have no content_type: they are the encoded images themselves")
      }
      return .raw(try elements(body, rest, count))
    }
    guard input.contentType == "base64" else {
      throw .body(
        #"image in JSON is base64, and says so: "parameters": {"content_type": "base64"}"#)
    }
    guard data.numberCount == 0 else { throw .body("image has strings of base64, not numbers") }
    guard data.lengths.count == 1, data.strings.count == count else {
      throw .body(
        "the shape of image is [\(count)], and its data has \(data.strings.count) strings"
          + (data.lengths.count > 1 ? " in nested lists" : ""))
    }
    return .base64(data.strings)
  }

  /// Returns the places of binary BYTES: for each a length of 4 bytes, little endian, and the bytes.
  private static func elements(
    _ body: [UInt8], _ rest: Range<Int>, _ count: Int
  ) throws(Problem) -> [Range<Int>] {
    var places: [Range<Int>] = []
    var at = rest.lowerBound
    for index in 0..<count {
      guard rest.upperBound - at >= lengthByteCount else {
        throw .body("the bytes end before element \(index) of \(count)")
      }
      let length = (0..<lengthByteCount).reduce(0) { $0 | Int(body[at + $1]) << (8 * $1) }
      at += lengthByteCount
      guard length <= rest.upperBound - at else {
        throw .body(
          "element \(index) has \(length) bytes by its length, and \(rest.upperBound - at) are left"
        )
      }
      places.append(at..<at + length)
      at += length
    }
    guard at == rest.upperBound else {
      throw .body("\(rest.upperBound - at) bytes follow the last of \(count) elements")
    }
    return places
  }

  // MARK: Tensors

  private static func tensors(
    _ input: InferenceRequest.Input, _ body: [UInt8], _ rest: Range<Int>, _ imageCountLimit: Int
  ) throws(Problem) -> TensorPlaces {
    // MLServer's clients say so of each array.
    guard input.contentType == nil || input.contentType == "np" else {
      throw .body("input has FP32 numbers; its content_type is np or left out")
    }
    guard let shape = input.shape, shape.count == 4 else {
      throw .body("the shape of input is [N, C, H, W], not \(text(input.shape))")
    }
    try checkCount(shape[0], imageCountLimit)
    var count = 1
    for length in shape {
      let (product, overflow) = count.multipliedReportingOverflow(by: length)
      guard !overflow else { throw .body("the shape \(text(shape)) has too many numbers") }
      count = product
    }
    guard count > 0 else { throw .body("the shape \(text(shape)) has no numbers") }
    guard let data = input.data else {
      let (byteCount, overflow) = count.multipliedReportingOverflow(by: MemoryLayout<Float>.size)
      guard !overflow, byteCount == rest.count else {
        throw .body(
          "the shape \(text(shape)) has \(count) numbers of 4 bytes, and binary_data_size is "
            + "\(rest.count)")
      }
      return TensorPlaces(shape: shape, source: .bytes(rest.lowerBound))
    }
    guard data.strings.isEmpty else { throw .body("input has numbers, not strings") }
    guard data.numberCount == count else {
      throw .body(
        "the shape \(text(shape)) has \(count) numbers, and data has \(data.numberCount)")
    }
    guard data.lengths.count == 1 || data.lengths == shape else {
      throw .body(
        "data nests as \(text(data.lengths)), and the shape is \(text(shape)); nest it so, or give "
          + "all numbers in one list")
    }
    return TensorPlaces(shape: shape, source: .text(data.place))
  }

  private static func checkCount(_ count: Int, _ limit: Int) throws(Problem) {
    guard count > 0 else { throw .body("the shape has no images: its first length is 0") }
    guard count <= limit else { throw .tooManyImages(limit: limit) }
  }

  private static func text(_ shape: [Int]?) -> String {
    shape.map { "[\($0.map(String.init).joined(separator: ", "))]" } ?? "missing"
  }
}
