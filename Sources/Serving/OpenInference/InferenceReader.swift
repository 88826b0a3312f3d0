/// Reader of an inference's JSON, event by event. Holds no number: of the data it notes where they
/// are and how they nest.
final class InferenceReader: JSONEventReader {
  /// List or object that is open.
  private enum Place {
    case request, requestParameters, inputs, input, inputParameters, shape, data
    case outputs, output, outputParameters

    /// Members of an object; nil for a list.
    var names: KnownNames? {
      switch self {
      case .request: Self.requestNames
      case .requestParameters: Self.requestParameterNames
      case .input: Self.inputNames
      case .inputParameters: Self.inputParameterNames
      case .output: Self.outputNames
      case .outputParameters: Self.outputParameterNames
      case .inputs, .shape, .data, .outputs: nil
      }
    }

    /// What it is, in a sentence.
    var name: String {
      switch self {
      case .request: "an inference"
      case .requestParameters: "the inference's parameters"
      case .inputs, .input: "an input"
      case .inputParameters: "an input's parameters"
      case .shape: "a shape"
      case .data: "data"
      case .outputs, .output: "an output"
      case .outputParameters: "an output's parameters"
      }
    }

    private static let requestNames = KnownNames(names: ["id", "parameters", "inputs", "outputs"])
    private static let requestParameterNames = KnownNames(
      names: ["binary_data_output"],
      synonyms: [
        "timeout": "the header X-Request-Timeout-Ms", "priority": "the header X-Priority",
      ])
    private static let inputNames = KnownNames(
      names: ["name", "shape", "datatype", "parameters", "data"])
    private static let inputParameterNames = KnownNames(
      names: ["binary_data_size", "content_type"])
    private static let outputNames = KnownNames(names: ["name", "parameters"])
    private static let outputParameterNames = KnownNames(
      names: ["binary_data", "classification"], synonyms: ["binary_data_output": "binary_data"])
  }

  /// Bytes of a name or a short value; beyond it the string is none that is known.
  private static let textByteLimit = 64
  private static let idByteLimit = 128
  /// Digits of a number: a double in full has 24.
  private static let numberByteLimit = 64
  /// Inputs that are read: one more than there may be, to say which two there are.
  private static let inputLimit = 2
  /// Outputs that are read: more than any model has.
  private static let outputLimit = 4
  /// Dimensions of a shape, and depth of data.
  private static let rankLimit = 8

  private let imageCountLimit: Int
  private(set) var request = InferenceRequest()
  private var places: [Place] = []
  /// Names that each open object has had.
  private var names: [Set<String>] = []
  /// Name of the value that is next.
  private var key = ""
  /// Elements so far in each open list of data.
  private var counts: [Int] = []
  /// Length of the lists at each depth, once one has been closed.
  private var lengths = [Int?](repeating: nil, count: rankLimit)
  /// Depth at which the elements are.
  private var leafDepth: Int?
  private var data = InferenceRequest.Data()

  init(imageCountLimit: Int) { self.imageCountLimit = imageCountLimit }

  static let expected =
    #"send {"inputs": [{"name": "image", "shape": [1], "datatype": "BYTES", "#
    + #""parameters": {"content_type": "base64"}, "data": ["<base64>"]}]}"#

  func take(_ event: JSONEvent) throws(Problem) {
    guard let place = places.last else {
      guard event.kind == .object else {
        throw .body("the JSON is not an object; \(Self.expected)")
      }
      open(.request)
      return
    }
    switch event.kind {
    case _ where place == .data: try takeData(event)
    case .key: try takeKey(event, place)
    case .objectEnd:
      names.removeLast()
      places.removeLast()
    case .listEnd: places.removeLast()
    default: try takeValue(event, place)
    }
  }

  private func open(_ place: Place) {
    places.append(place)
    if place.names != nil { names.append([]) }
  }

  private func takeKey(_ event: JSONEvent, _ place: Place) throws(Problem) {
    key = event.text(byteCountLimit: Self.textByteLimit)
    guard let known = place.names, known.names.contains(key) else {
      throw (place.names ?? KnownNames(names: []))
        .unknown(key, "member", "\(place.name) takes")
    }
    guard names[names.count - 1].insert(key).inserted else {
      throw .body("\(key) of \(place.name) is given twice; give it once")
    }
  }

  // MARK: Values

  private func takeValue(_ event: JSONEvent, _ place: Place) throws(Problem) {
    switch place {
    case .request: try takeRequest(event)
    case .requestParameters: request.isBinaryByDefault = try boolean(event)
    case .inputs:
      guard event.kind == .object else { throw wrong("inputs are objects", event) }
      guard request.inputs.count < Self.inputLimit else {
        throw .body("there are more than \(Self.inputLimit) inputs; an inference has one")
      }
      request.inputs.append(InferenceRequest.Input())
      open(.input)
    case .input: try takeInput(event)
    case .inputParameters:
      let index = request.inputs.count - 1
      if key == "content_type" {
        request.inputs[index].contentType = try string(event)
      } else {
        request.inputs[index].binaryByteCount = try wholeNumber(event)
      }
    case .shape:
      let index = request.inputs.count - 1
      let count = request.inputs[index].shape?.count ?? 0
      guard count < Self.rankLimit else {
        throw .body("a shape has more than \(Self.rankLimit) dimensions")
      }
      key = "shape"
      request.inputs[index].shape?.append(try wholeNumber(event))
    case .outputs:
      guard event.kind == .object else { throw wrong("outputs are objects", event) }
      guard (request.outputs?.count ?? 0) < Self.outputLimit else {
        throw .body("there are more than \(Self.outputLimit) outputs")
      }
      request.outputs?.append(InferenceRequest.Output())
      open(.output)
    case .output: try takeOutput(event)
    case .outputParameters: try takeOutputParameter(event)
    case .data: break
    }
  }

  private func takeRequest(_ event: JSONEvent) throws(Problem) {
    switch (key, event.kind) {
    case ("id", .null), ("parameters", .null), ("outputs", .null): break
    case ("id", .string):
      guard event.byteCount <= Self.idByteLimit else {
        throw .body("the id has \(event.byteCount) bytes; at most \(Self.idByteLimit) are allowed")
      }
      request.id = event.text(byteCountLimit: Self.idByteLimit)
    case ("parameters", .object): open(.requestParameters)
    case ("inputs", .list): open(.inputs)
    case ("outputs", .list):
      request.outputs = []
      open(.outputs)
    case ("id", _): throw wrong("the id is a string", event)
    case ("parameters", _): throw wrong("parameters are an object", event)
    default: throw wrong("\(key) are a list", event)
    }
  }

  private func takeInput(_ event: JSONEvent) throws(Problem) {
    let index = request.inputs.count - 1
    switch (key, event.kind) {
    case ("name", _): request.inputs[index].name = try string(event)
    case ("datatype", _): request.inputs[index].datatype = try string(event)
    case ("shape", .list):
      request.inputs[index].shape = []
      open(.shape)
    case ("parameters", .null): break
    case ("parameters", .object): open(.inputParameters)
    case ("data", .list):
      data = InferenceRequest.Data(place: event.place.upperBound..<event.place.upperBound)
      counts = [0]
      leafDepth = nil
      lengths = [Int?](repeating: nil, count: Self.rankLimit)
      open(.data)
    case ("parameters", _): throw wrong("parameters are an object", event)
    default: throw wrong("\(key) is a list", event)
    }
  }

  private func takeOutput(_ event: JSONEvent) throws(Problem) {
    switch (key, event.kind) {
    case ("name", _):
      let (name, index) = (try string(event), (request.outputs?.count ?? 1) - 1)
      request.outputs?[index].name = name
    case (_, .null): break
    case (_, .object): open(.outputParameters)
    default: throw wrong("parameters are an object", event)
    }
  }

  private func takeOutputParameter(_ event: JSONEvent) throws(Problem) {
    let index = (request.outputs?.count ?? 1) - 1
    if key == "binary_data" {
      let isBinary = try boolean(event)
      request.outputs?[index].isBinary = isBinary
    } else {
      let count = try wholeNumber(event)
      guard count > 0 else { throw .body("classification is a whole number from 1, not 0") }
      request.outputs?[index].classCount = count
    }
  }

  // MARK: Data

  private func takeData(_ event: JSONEvent) throws(Problem) {
    switch event.kind {
    case .number:
      guard event.byteCount <= Self.numberByteLimit else {
        throw .body("a number in data has more than \(Self.numberByteLimit) characters")
      }
      data.numberCount += 1
      try countLeaf()
    case .string:
      guard data.strings.count < imageCountLimit else {
        throw .tooManyImages(limit: imageCountLimit)
      }
      data.strings.append(event.place)
      try countLeaf()
    case .list:
      guard counts.count < Self.rankLimit else {
        throw .body("data nests more than \(Self.rankLimit) lists")
      }
      counts[counts.count - 1] += 1
      counts.append(0)
    case .listEnd: try closeList(event)
    default: throw wrong("data has numbers or strings, in lists or not", event)
    }
  }

  private func countLeaf() throws(Problem) {
    if leafDepth == nil { leafDepth = counts.count }
    guard leafDepth == counts.count else { throw Self.uneven }
    counts[counts.count - 1] += 1
  }

  private func closeList(_ event: JSONEvent) throws(Problem) {
    let length = counts.removeLast()
    let depth = counts.count
    if lengths[depth] == nil { lengths[depth] = length }
    guard lengths[depth] == length else { throw Self.uneven }
    guard counts.isEmpty else { return }
    places.removeLast()
    data.lengths = lengths.compactMap(\.self)
    guard leafDepth == nil || leafDepth == data.lengths.count else { throw Self.uneven }
    data.place = data.place.lowerBound..<event.place.upperBound - 1
    request.inputs[request.inputs.count - 1].data = data
  }

  private static let uneven = Problem.body(
    "data nests unevenly: give all numbers in one list, or lists of the lengths in shape")

  // MARK: Kinds of values

  private func string(_ event: JSONEvent) throws(Problem) -> String {
    guard event.kind == .string else { throw wrong("\(key) is a string", event) }
    return event.text(byteCountLimit: Self.textByteLimit)
  }

  private func boolean(_ event: JSONEvent) throws(Problem) -> Bool {
    guard event.kind == .boolean else { throw wrong("\(key) is true or false", event) }
    return event.text(byteCountLimit: Self.textByteLimit) == "true"
  }

  private func wholeNumber(_ event: JSONEvent) throws(Problem) -> Int {
    guard event.kind == .number else { throw wrong("\(key) has whole numbers", event) }
    let text = event.text(byteCountLimit: Self.textByteLimit)
    guard event.byteCount <= Self.textByteLimit, let number = NumberText.wholeNumber(text) else {
      throw .body("\(key) has whole numbers from 0, not \(text)")
    }
    return number
  }

  private func wrong(_ rule: String, _ event: JSONEvent) -> Problem {
    .body("\(rule), not \(event.kind.name)")
  }
}
