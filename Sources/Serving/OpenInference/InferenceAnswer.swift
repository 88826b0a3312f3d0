import Checkpoint
import Engine
import Glibc
import HTTPCore
import Imaging
import Inference
import JSON

/// Answer of one model to an inference: which outputs are wanted, and in which form.
///
///     {"model_name", "model_version", "id"?, "outputs": [{"name", "datatype", "shape", "data"}]}
///     or "parameters": {"binary_data_size"} in place of "data", whose bytes follow the JSON
struct InferenceAnswer: Sendable {
  /// Numbers of one image.
  struct Numbers: Sendable {
    /// By the model's output rule, one per label.
    var values: [Float]
    /// As the network gives them.
    var logits: [Float]
  }

  private struct Output: Sendable {
    var kind: InferenceOutputKind
    /// Count of an image's numbers.
    var count: Int
    var isBinary: Bool
    /// Number of classes in its place.
    var classCount: Int?
  }

  /// Bytes of a number: itself, and its text of at most 16 characters with the comma, and the same
  /// again while the answer grows.
  private static let numberByteCount = 4 + 2 * 16
  /// Bytes of a class: its number, place and marks, and the same again.
  private static let classByteCount = 2 * 64
  private static let jsonType = "application/json"
  private static let binaryType = "application/octet-stream"

  private let id: String?
  // Not the model itself, whose memory must go with its deployment.
  private let name: String
  private let version: String
  private let labels: [String]
  private let rule: OutputRule
  /// Count of the numbers that are kept of an image until the answer is made.
  private let keptCount: Int
  /// Count of the numbers of an image that the network reads.
  private let inputCount: Int
  private let outputs: [Output]

  /// Throws if the model has no such outputs, or takes no images of this shape.
  init(_ request: InferenceRequest, _ tensors: TensorPlaces?, _ model: CompiledModel)
    throws(Problem)
  {
    (id, name, version) = (request.id, model.name, model.version.short)
    (labels, rule) = (model.labels, model.output)
    keptCount = model.labels.count + model.network.outputCount
    let shape = model.inputShape
    inputCount = shape.reduce(1, *)
    if let found = tensors?.shape[1...], Array(found) != shape {
      throw .body(
        "\(model.name) takes input of the shape [N, \(shape[0]), \(shape[1]), \(shape[2])], not "
          + "[N, \(found.map(String.init).joined(separator: ", "))]")
    }
    let kinds = InferenceOutputKind.all(of: model)
    var outputs: [Output] = []
    for wanted in request.outputs ?? kinds.map({ .init(name: $0.rawValue) }) {
      guard let kind = kinds.first(where: { $0.rawValue == wanted.name }) else {
        throw .body(
          "\(Quotation.of(wanted.name ?? "")) is not an output of \(model.name); there are "
            + KnownNames(names: kinds.map(\.rawValue)).list)
      }
      guard !outputs.contains(where: { $0.kind == kind }) else {
        throw .body("the output \(kind.rawValue) is given twice; give it once")
      }
      let count = kind.count(of: model)
      if wanted.classCount != nil, count != model.labels.count {
        throw .body(
          "classification does not apply to \(kind.rawValue): it has not one number per label")
      }
      outputs.append(
        Output(
          kind: kind, count: count, isBinary: wanted.isBinary ?? request.isBinaryByDefault,
          classCount: wanted.classCount.map { min($0, count) }))
    }
    guard !outputs.isEmpty else {
      throw .body("outputs is empty; leave it out to get all of them")
    }
    self.outputs = outputs
  }

  /// Count of the numbers of one image's outputs.
  private var numberCount: Int {
    outputs.reduce(0) { $0 + ($1.classCount ?? $1.count) }
  }

  /// Returns the bytes that the answer takes, with the outputs that it is made from and one image's
  /// numbers beside them. Throws if there are more numbers than `limit`.
  func byteCount(imageCount: Int, limit: Int) throws(Problem) -> Int {
    // All have limits whose product does not overflow.
    let count = imageCount * numberCount
    guard count <= limit else {
      throw Problem(
        413, .tooManyImages,
        "\(imageCount) images of \(numberCount) numbers each; a request may have "
          + "\(limit / numberCount) images for these outputs of this model")
    }
    let classCount = imageCount * outputs.reduce(0) { $0 + ($1.classCount ?? 0) }
    let labelByteCount =
      classCount == 0 ? 0 : labels.reduce(0) { max($0, $1.utf8.count) }
    return 4 * (imageCount * keptCount + inputCount) + count * Self.numberByteCount
      + classCount * (Self.classByteCount + 2 * labelByteCount)
  }

  /// Returns the answer to the images in order.
  func response(_ images: [Numbers]) -> Response {
    var bytes: [UInt8] = []
    var described: [JSONValue] = []
    for output in outputs {
      let start = bytes.count
      let (document, data) = written(output, images, &bytes)
      var item: JSONObject = document
      if output.isBinary {
        item.append("parameters", ["binary_data_size": .integer(bytes.count - start)])
      } else {
        item.append("data", data)
      }
      described.append(.object(item))
    }
    var document: JSONObject = [
      "model_name": .string(name), "model_version": .string(version),
    ]
    if let id { document.append("id", .string(id)) }
    document.append("outputs", .array(described))
    guard outputs.contains(where: \.isBinary) else {
      return Response(
        status: 200, contentType: Self.jsonType, body: JSONValue.object(document).line)
    }
    let json = JSONValue.object(document).bytes
    var response = Response(status: 200, contentType: Self.binaryType, body: json + bytes)
    response.fields["Inference-Header-Content-Length"] = String(json.count)
    return response
  }

  /// Returns an output's description and its data for JSON; binary data goes to the end of `bytes`.
  private func written(
    _ output: Output, _ images: [Numbers], _ bytes: inout [UInt8]
  ) -> (JSONObject, JSONValue) {
    let numbers = images.map { output.kind.numbers($0) }
    let length = output.classCount ?? output.count
    let document: JSONObject = [
      "name": .string(output.kind.rawValue),
      "datatype": output.classCount == nil ? "FP32" : "BYTES",
      "shape": [.integer(images.count), .integer(length)],
    ]
    guard let classCount = output.classCount else {
      guard output.isBinary else { return (document, .floats(Array(numbers.joined()))) }
      for number in numbers.joined() { Self.append(number.bitPattern, to: &bytes) }
      return (document, .null)
    }
    let classes = numbers.flatMap { self.classes($0, count: classCount) }
    guard output.isBinary else { return (document, .array(classes.map(JSONValue.string))) }
    for text in classes {
      Self.append(UInt32(text.utf8.count), to: &bytes)
      bytes.append(contentsOf: text.utf8)
    }
    return (document, .null)
  }

  /// Returns the classes with the largest numbers, best first, as `value:index:label`.
  private func classes(_ numbers: [Float], count: Int) -> [String] {
    let ranking = Ranking(numbers, by: rule, count: count, minimum: nil)
    return ranking.entries.map {
      "\(Self.sixDecimals($0.value)):\($0.index):\(labels[$0.index])"
    }
  }

  /// Returns a number as `std::to_string` of C++ writes it, which is what clients of Triton expect.
  private static func sixDecimals(_ number: Float) -> String {
    // The largest has 39 digits before the point.
    let capacity = 64
    return unsafe String(unsafeUninitializedCapacity: capacity) { buffer in
      // SAFETY: at most `capacity` bytes are written, the last of them NUL.
      unsafe buffer.withMemoryRebound(to: CChar.self) { text in
        let count = unsafe withVaList([Double(number)]) {
          unsafe vsnprintf(text.baseAddress, capacity, "%f", $0)
        }
        return min(max(0, Int(count)), capacity - 1)
      }
    }
  }

  private static func append(_ number: UInt32, to bytes: inout [UInt8]) {
    for shift in stride(from: 0, to: 32, by: 8) {
      bytes.append(UInt8(truncatingIfNeeded: number >> UInt32(shift)))
    }
  }
}

/// Name and meaning of an output.
enum InferenceOutputKind: String, Sendable, CaseIterable {
  case probabilities
  /// What a model answers whose outputs are no probabilities.
  case scores
  /// Outputs of the network, which probabilities are made from.
  case logits

  /// Returns the outputs that a model has.
  static func all(of model: CompiledModel) -> [InferenceOutputKind] {
    model.output.givesProbabilities ? [.probabilities, .logits] : [.scores]
  }

  /// Returns the count of an image's numbers.
  func count(of model: CompiledModel) -> Int {
    self == .logits ? model.network.outputCount : model.labels.count
  }

  func numbers(_ image: InferenceAnswer.Numbers) -> [Float] {
    self == .logits ? image.logits : image.values
  }
}

extension CompiledModel {
  /// Channels, height and width of the network's input.
  var inputShape: [Int] {
    let size = preprocessing.outputSize
    return [preprocessing.channelCount, size.height, size.width]
  }
}
