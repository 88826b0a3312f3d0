import Checkpoint
import Foundation
import HTTPCore
import HTTPServer
import HostileFiles
import Inference
import Machine
import Serving
import Testing

/// Inferences of the Open Inference Protocol, over one model.
@Suite struct InferenceTests {
  private typealias Messages = InferenceMessages
  private let service: TestService

  init() throws { service = try TestService() }

  private func infer(
    _ body: [UInt8], _ fields: [(String, String)] = [], path: String = Messages.path
  ) throws -> Response {
    try service.wait(for: path, fields, body: body)
  }

  /// Probabilities by class, as `/classify` gives them.
  private func classified(_ image: [UInt8]) throws -> [Float] {
    let answer = try service.wait(for: "/classify?top_k=10", body: image).json()
    var numbers = [Float](repeating: 0, count: Messages.classCount)
    for prediction in try #require(answer["predictions"] as? [[String: Any]]) {
      let index = try #require(prediction["class"] as? Int)
      numbers[index] = try #require(prediction["probability"] as? NSNumber).floatValue
    }
    return numbers
  }

  @Test("Server and model describe themselves")
  func metadata() async throws {
    let server = try await service.answer(try Request("GET", "/v2")).json()
    #expect(server["extensions"] as? [String] == ["classification", "binary_tensor_data"])
    let model = try await service.answer(try Request("GET", "/v2/models/\(Messages.name)")).json()
    #expect(model["name"] as? String == Messages.name)
    let inputs = try #require(model["inputs"] as? [[String: Any]])
    #expect(inputs.map { $0["shape"] as? [Int] } == [[-1], [-1, 3, 32, 32]])
    let outputs = try #require(model["outputs"] as? [[String: Any]])
    #expect(outputs.map { $0["name"] as? String } == ["probabilities", "logits"])
    #expect(outputs.map { $0["shape"] as? [Int] } == [[-1, 10], [-1, 10]])
    for path in ["/v2/health/live", "/v2/health/ready", "/v2/models/\(Messages.name)/ready"] {
      #expect(await service.answer(try Request("GET", path)).status == 200)
    }
  }

  @Test("The model is that of the path, by name and by any form of its version")
  func reference() async throws {
    let version = service.pool.live.model.version
    let image = try Messages.base64([goldenImage().encodedImage])
    let begin = version.hex.prefix(8)
    for text in [
      version.short, version.hex, "sha256:\(version.hex)", "sha256%3a\(version.short)", "\(begin)",
      "SHA256:\(begin.uppercased())", version.hex.uppercased(),
    ] {
      let path = "/v2/models/\(Messages.name)/versions/\(text)"
      #expect(await service.answer(try Request("GET", path)).status == 200)
      #expect(await service.answer(try Request("GET", path + "/ready")).status == 200)
      #expect(try infer(image, path: path + "/infer").status == 200)
    }
    let others = [
      "1", "\(version.hex.prefix(7))", "sha256:", version.hex + "0", "sha256:sha256:\(begin)",
    ]
    let paths = others.map { "/v2/models/\(Messages.name)/versions/\($0)" }
    for path in ["/v2/models/other"] + paths {
      let described = await service.answer(try Request("GET", path))
      #expect(described.status == 404)
      #expect(try described.inferenceError().contains(version.short))
      #expect(try infer(image, path: path + "/infer").status == 404)
    }
    #expect(await service.answer(try Request("GET", "/v2/models")).status == 404)
    #expect(await service.answer(try Request("GET", "/v2/models/a/versions/")).status == 404)
  }

  @Test("An encoded image has the answer of /classify, in JSON, binary and raw")
  func images() throws {
    let image = try goldenImage().encodedImage
    let wanted = try classified(image)
    let json = try infer(Messages.base64([image, image], #","id":"seen""#))
    #expect(try json.json()["id"] as? String == "seen")
    #expect(json.fields["Server-Timing"]?.contains("inference;dur=") == true)
    // Not the same bits: some CPUs sum a batch in another order.
    let both = try #require(try json.outputs()["probabilities"])
    #expect(both.count == 2 * wanted.count)
    for (found, expected) in zip(both, wanted + wanted) { #expect(abs(found - expected) <= 1e-5) }
    #expect(try json.outputs()["logits"]?.count == 20)

    let (body, fields) = Messages.binary(Messages.prefixed(image), input: Messages.imageInput)
    #expect(try infer(body, fields).outputs()["probabilities"] == wanted)

    let raw = try infer(image, [("Inference-Header-Content-Length", "0")]).parts()
    #expect(raw.bytes.count == 80)
    #expect(Array(raw.bytes[..<40]) == Messages.bytes(wanted))
  }

  @Test("Preprocessed numbers have the image's own answer, in lists, in one list and binary")
  func tensors() throws {
    let image = try goldenImage().encodedImage
    let wanted = try classified(image)
    let numbers = try Messages.numbers(image, service.pool.live.model)
    let flat = "[\(numbers.map { "\($0)" }.joined(separator: ","))]"
    let nested =
      "[["
      + (0..<3).map { c in
        "["
          + (0..<32).map { y in
            let start = (c * 32 + y) * 32
            return "[\(numbers[start..<start + 32].map { "\($0)" }.joined(separator: " , "))]"
          }.joined(separator: ",") + "]"
      }.joined(separator: ",\n") + "]]"
    let (binary, fields) = Messages.binary(
      Messages.bytes(numbers), input: Messages.tensorInput)
    for answer in [
      try infer(Messages.tensor(flat)), try infer(Messages.tensor(nested)),
      try infer(binary, fields),
    ] {
      let found = try #require(try answer.outputs()["probabilities"])
      #expect(zip(found, wanted).allSatisfy { abs($0 - $1) < 1e-6 })
    }
    let twice = numbers + numbers.map { -$0 }
    let text = "[\(twice.map { "\($0)" }.joined(separator: ","))]"
    let both = try infer(Messages.tensor(text, shape: "[2,3,32,32]")).outputs()
    let first = try #require(both["probabilities"]?.prefix(10))
    #expect(both["probabilities"]?.count == 20)
    #expect(zip(first, wanted).allSatisfy { abs($0 - $1) < 1e-6 })
  }

  @Test("Outputs are those asked for; classes are written as Triton writes them")
  func outputs() throws {
    let image = try goldenImage().encodedImage
    let wanted = try classified(image)
    let one = #","outputs":[{"name":"logits"}]"#
    #expect(try infer(Messages.base64([image], one)).outputs().keys.sorted() == ["logits"])

    let classes = #","outputs":[{"name":"probabilities","parameters":{"classification":99}}]"#
    let answer = try infer(Messages.base64([image, image], classes)).json()
    let output = try #require((answer["outputs"] as? [[String: Any]])?.first)
    #expect(output["datatype"] as? String == "BYTES" && output["shape"] as? [Int] == [2, 10])
    let texts = try #require(output["data"] as? [String])
    let best = try #require(Ranking.best(wanted))
    let label = service.pool.live.model.labels[best]
    #expect(texts[0] == String(format: "%f:%d:%@", Double(wanted[best]), best, label))
    #expect(texts[10] == texts[0])

    let binary =
      #","outputs":[{"name":"probabilities","parameters":{"classification":1,"binary_data":true}}]"#
    let parts = try infer(Messages.base64([image], binary)).parts()
    #expect(parts.bytes == Messages.prefixed(Array(texts[0].utf8)))

    let whole = try infer(
      Messages.base64([image], #","parameters":{"binary_data_output":true}"#)
    ).parts()
    #expect(Array(whole.bytes[..<40]) == Messages.bytes(wanted))
  }

  @Test("One image that is none fails the inference, and says which")
  func badImage() throws {
    let response = try infer(Messages.base64([goldenImage().encodedImage, [1, 2, 3]]))
    #expect(response.status == 415)
    #expect(try response.inferenceError().contains("element 1 of the input"))
  }

  @Test("Numbers that overflow in the network are the client's, not the model's")
  func overflow() throws {
    let count = 3 * 32 * 32
    let (body, fields) = Messages.binary(
      Messages.bytes((0..<count).map { _ in 3e38 }), input: Messages.tensorInput)
    let response = try infer(body, fields)
    #expect(response.status == 400)
    #expect(try response.inferenceError().contains("too large"))
  }

  @Test("Failures outside the inference itself are in its language as well")
  func failures() async throws {
    let image = try goldenImage().encodedImage
    let body = Messages.base64([image])
    for (fields, status) in [
      ([("Inference-Header-Content-Length", "x")], 400), ([("Content-Encoding", "br")], 415),
      ([("X-Priority", "x")], 400),
    ] {
      let response = try infer(body, fields)
      #expect(response.status == status)
      #expect(try !response.inferenceError().isEmpty)
    }
    let query = try infer(body, path: Messages.path + "?top_k=3")
    #expect(try query.inferenceError().contains("the query of an inference takes no parameters"))
    let method = await service.answer(try Request("GET", Messages.path))
    #expect(method.status == 405 && method.fields["Allow"] == "POST, OPTIONS")
    _ = try method.inferenceError()
  }

  @Test("An answer has a limit of numbers, and its memory is given back")
  func limits() throws {
    var limits = ServingLimits()
    limits.requestOutputLimit = 20
    let budget = MemoryBudget(byteCount: 1 << 30)
    let service = try TestService(limits: limits, memory: budget)
    let image = try goldenImage().encodedImage
    let before = budget.usedByteCount(for: .bodies)
    let small = try service.wait(for: Messages.path, body: Messages.base64([image]))
    #expect(small.status == 200)
    let large = try service.wait(for: Messages.path, body: Messages.base64([image, image]))
    #expect(large.status == 413)
    #expect(try large.inferenceError().contains("may have 1 images"))
    #expect(eventually { budget.usedByteCount(for: .bodies) == before })
  }

  @Test("Requests are told what is wrong with them")
  func faults() throws {
    for (body, words) in InferenceFaults.json {
      let response = try infer(Array(body.utf8))
      #expect(response.status == (words.contains("images in one request") ? 413 : 400), "\(body)")
      let error = try response.inferenceError()
      #expect(error.contains(words), "\(error)")
    }
  }

  @Test("Binary requests are told what does not add up")
  func binaryFaults() throws {
    for fault in InferenceFaults.binary {
      let (body, fields) = Messages.binary(fault.bytes, input: fault.input, size: fault.size)
      let response = try infer(body, fields)
      #expect(response.status == 400)
      let error = try response.inferenceError()
      #expect(error.contains(fault.words), "\(error)")
    }
  }

  @Test("Whatever is damaged on its way, the client is told or answered")
  func damage() throws {
    let image = try goldenImage().encodedImage
    let numbers = try Messages.numbers(image, service.pool.live.model)
    let (body, fields) = Messages.binary(Messages.prefixed(image), input: Messages.imageInput)
    let (tensor, lengths) = Messages.binary(Messages.bytes(numbers), input: Messages.tensorInput)
    for (body, fields) in [
      (Messages.base64([image], #","id":"a\u0062","outputs":[{"name":"logits"}]"#), []),
      (Messages.tensor("[\(numbers.map { "\($0)" }.joined(separator: ","))]"), []),
      (body, fields), (tensor, lengths),
    ] {
      for damaged in Damage.changes(of: body, named: "a request", count: 60)
        + Damage.cuts(of: body, named: "a request", count: 12)
      {
        let response = try infer(damaged.bytes, fields)
        guard response.status != 200 else { continue }
        #expect(response.status < 500, "\(damaged)")
        _ = try response.inferenceError()
      }
    }
  }

  @Test("A million numbers are counted, not kept")
  func million() throws {
    let data = "[" + String(repeating: "0,", count: 999_999) + "0]"
    let error = try infer(Messages.tensor(data)).inferenceError()
    #expect(error.contains("3072 numbers, and data has 1000000"), "\(error)")
  }
}

/// Requests with something wrong, and words of the answers.
enum InferenceFaults {
  struct Binary: Sendable {
    var bytes: [UInt8]
    var input: String
    var size: Int?
    var words: String
  }

  private static func tensor(_ shape: String, _ data: String) -> String {
    String(decoding: InferenceMessages.tensor(data, shape: shape), as: UTF8.self)
  }

  private static func image(
    _ data: String, shape: String = "[1]", parameters: String = #"{"content_type":"base64"}"#
  ) -> String {
    #"{"inputs":[{"name":"image","datatype":"BYTES","shape":\#(shape),"parameters":\#(parameters),"data":\#(data)}]}"#
  }

  static let json: [(String, String)] = [
    ("[]", "not an object"), ("{}", "has no inputs"), (#"{"inputs": 3}"#, "not a number"),
    (#"{"inputs": [3]}"#, "not a number"), ("{\"inputs\": [{]}", "the JSON has"),
    (#"{"inputs": [{"name": "image"#, "the end in the middle"),
    (#"{"input": []}"#, "did you mean inputs?"), (#"{"id": 3}"#, "the id is a string"),
    (#"{"id": "a", "id": "b"}"#, "given twice"),
    (#"{"id": "\#(String(repeating: "a", count: 129))"}"#, "129 bytes"),
    (#"{"parameters": {"timeout": 5}}"#, "X-Request-Timeout-Ms"),
    (#"{"inputs": [{"name": "image"}, {"name": "input"}]}"#, "not both"),
    (#"{"inputs": [{"name": "image"}, {"name": "image"}]}"#, "given twice"),
    (#"{"inputs": [{}, {}, {}]}"#, "more than 2 inputs"),
    (#"{"inputs": [{"name": "x"}]}"#, "not an input"),
    (#"{"inputs": [{"name": "image", "datatype": "FP32"}]}"#, "is BYTES"),
    (#"{"inputs": [{"name": "image", "datatype": "BYTES", "shape": [1]}]}"#, "neither data nor"),
    (#"{"inputs": [{"shape": [1.5]}]}"#, "whole numbers"),
    (#"{"inputs": [{"shape": [-1]}]}"#, "whole numbers"),
    (#"{"inputs": [{"shape": [1,1,1,1,1,1,1,1,1]}]}"#, "more than 8 dimensions"),
    (#"{"inputs": [{"data": [[[[[[[[[1]]]]]]]]]}]}"#, "nests more than 8"),
    (#"{"inputs": [{"data": [true]}]}"#, "not a boolean"),
    (#"{"outputs": [{},{},{},{},{}]}"#, "more than 4 outputs"),
    (#"{"outputs": [{"parameters": {"classification": 0}}]}"#, "from 1"),
    (image(#"["AQID"]"#, parameters: "{}"), "content_type"),
    (image("[1]"), "not numbers"), (image(#"["AQID"]"#, shape: "[2]"), "has 1 strings"),
    (image(#"[["AQID"]]"#), "nested"), (image("[]", shape: "[0]"), "no images"),
    (image(#"["AQID"]"#, shape: "[1,1]"), "the shape of image is [N]"),
    (image(#"["AQID"]"#, shape: "[65]"), "images in one request"),
    (image(#"["*"]"#), "not base64"),
    (tensor("[1,3,32,32]", "[1,2]"), "data has 2"), (tensor("[1,3,32,32]", "[]"), "data has 0"),
    (tensor("[1,3,32,32]", #"["a"]"#), "not strings"),
    (tensor("[1,1,1,2]", "[[1],2]"), "unevenly"), (tensor("[1,1,1,2]", "[[],2]"), "unevenly"),
    (tensor("[1,1,1,3]", "[[1],[2,3]]"), "unevenly"),
    (tensor("[1,1,1,2]", "[[1,2]]"), "nests as [1, 2]"),
    (tensor("[1,1,1,2]", "[1,2]"), "takes input of the shape [N, 3, 32, 32]"),
    (tensor("[1,4611686018427387904,4,4]", "[1]"), "too many numbers"),
    (tensor("[1,0,1,1]", "[]"), "has no numbers"),
    (tensor("[65,3,32,32]", "[1]"), "images in one request"),
    (tensor("[1,1,1,1]", "[\(String(repeating: "1", count: 65))]"), "64 characters"),
    (tensor("[1,1,1,1]", "[NaN]"), "the JSON has"),
    (
      tensor("[1,3,32,32]", "[1e999\(String(repeating: ",0", count: 3071))]"),
      "number 0 of image 0 is inf"
    ),
  ]

  static let binary: [Binary] = {
    let (image, tensor) = (InferenceMessages.imageInput, InferenceMessages.tensorInput)
    var numbers = [Float](repeating: 0, count: 3072)
    numbers[5] = .nan
    return [
      Binary(bytes: [9, 0, 0, 0, 1], input: image, words: "has 9 bytes by its length, and 1 are"),
      Binary(bytes: [255, 255, 255, 255], input: image, words: "4294967295"),
      Binary(bytes: [1, 0, 0], input: image, words: "end before element 0"),
      Binary(bytes: [1, 0, 0, 0, 7, 7], input: image, words: "1 bytes follow the last"),
      Binary(bytes: [1, 0, 0, 0, 7], input: image, size: 6, words: "binary_data_size is 6"),
      Binary(
        bytes: [1], input: image, size: .max, words: "binary_data_size is 9223372036854775807"),
      Binary(bytes: [0, 0, 0, 0], input: tensor, words: "has 3072 numbers of 4 bytes"),
      Binary(
        bytes: InferenceMessages.bytes(numbers), input: tensor,
        words: "number 5 of image 0 is nan"),
      Binary(
        bytes: [0, 0, 0, 0], input: image + #","data":["AQID"]"#, words: "both data and"),
    ]
  }()
}
