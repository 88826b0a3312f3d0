import Checkpoint
import HostileFiles
import ResNet
import Testing

@Suite struct HostileFilesTests {
  private func failure(_ bytes: [UInt8]) -> CheckpointError? {
    do throws(CheckpointError) {
      _ = try Model.load(bytes: bytes, fileName: "x", options: ModelOptions(labels: ["a"]))
      return nil
    } catch {
      return error
    }
  }

  private func malformedReason(_ bytes: [UInt8]) -> String? {
    switch failure(bytes) {
    case .malformed(_, _, let reason), .notModel(let reason, _): return reason
    default: return nil
    }
  }

  @Test("A file too short for its header is refused")
  func lengths() {
    #expect(malformedReason([]) != nil)
    #expect(malformedReason([1, 0, 0]) != nil)
    let long = SafetensorsBytes.file(header: "{}", claimedLength: 3)
    #expect(malformedReason(long)?.contains("claims 3 bytes") == true)
    guard case .overLimit = failure(SafetensorsBytes.file(header: "{}", claimedLength: .max)) else {
      Issue.record("a huge header passed")
      return
    }
  }

  @Test(
    "Headers that are not JSON of the right form are refused with a place",
    arguments: [
      "", " {}", "[]", "{", "{}x", #"{"a":1,"a":1}"#, #"{"__metadata__":[]}"#,
      #"{"__metadata__":{"a":1}}"#, #"{"a":[[[[1]]]]}"#, "{\"\u{0}\":1}",
    ])
  func structure(header: String) {
    #expect(malformedReason(SafetensorsBytes.file(header: header)) != nil)
  }

  @Test("A header that is not UTF-8 is refused")
  func encoding() {
    var bytes = SafetensorsBytes.file(header: #"{"ab":1}"#)
    bytes[10] = 0xff
    #expect(malformedReason(bytes) != nil)
  }

  @Test(
    "Declarations of tensors are checked one by one",
    arguments: [
      ("1", "not a JSON object"), ("{}", "dtype"),
      (#"{"dtype":"F99","shape":[1],"data_offsets":[0,4]}"#, "unknown dtype"),
      (#"{"dtype":"F32","shape":1,"data_offsets":[0,4]}"#, "shape is not an array"),
      (#"{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}"#, "not an integer of at least 0"),
      (#"{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}"#, "not an integer of at least 0"),
      (#"{"dtype":"F32","shape":[1],"data_offsets":[0]}"#, "not a pair"),
      (#"{"dtype":"F32","shape":[1],"data_offsets":[4,0]}"#, "not in order"),
      (#"{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}"#, "not in order"),
      (#"{"dtype":"F32","shape":[2],"data_offsets":[0,4]}"#, "takes 8"),
      (#"{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]}"#, "overflows"),
      (#"{"dtype":"F32","shape":[0,4294967296,4294967296],"data_offsets":[0,0]}"#, "overflows"),
      (#"{"dtype":"F32","shape":[2],"data_offsets":[0,8]}"#, "ends at byte 8 of 4"),
    ])
  func tensors(declaration: String, expected: String) {
    let bytes = SafetensorsBytes.file(header: #"{"t":\#(declaration)}"#, data: [0, 0, 0, 0])
    guard case .tensor("t", _, let reason) = failure(bytes) else {
      Issue.record("\(String(describing: failure(bytes)))")
      return
    }
    #expect(reason.contains(expected), "\(reason)")
  }

  @Test(
    "Tensors neither overlap nor leave holes, and all bytes belong to one",
    arguments: [([0, 4], [2, 6]), ([0, 4], [6, 10]), ([4, 8], [8, 12]), ([0, 4], [0, 4])])
  func placement(first: [Int], second: [Int]) {
    let header = """
      {"a":{"dtype":"U8","shape":[4],"data_offsets":\(first)},\
      "b":{"dtype":"U8","shape":[4],"data_offsets":\(second)}}
      """
    let bytes = SafetensorsBytes.file(header: header, data: Array(repeating: 0, count: 12))
    guard case .tensor = failure(bytes) else {
      Issue.record("\(String(describing: failure(bytes)))")
      return
    }
    let rest = SafetensorsBytes.file(
      header: #"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#, data: [0, 0])
    #expect(malformedReason(rest)?.contains("belong to no tensor") == true)
  }

  @Test("Every cut of a good file is refused")
  func cuts() throws {
    let bytes = SafetensorsBytes.plain(try SmallNetworks.tensors(of: SmallNetworks.basic))
    for count in stride(from: 0, to: bytes.count, by: 97) {
      #expect(failure(Array(bytes.prefix(count))) != nil)
    }
  }

  @Test("Numbers that are none, and variances below zero, are refused by name")
  func numbers() throws {
    for (name, value) in [
      ("conv1.weight", Float.nan), ("fc.bias", .infinity), ("bn1.running_var", -0.5),
    ] {
      var tensors = try SmallNetworks.tensors(of: SmallNetworks.basic)
      let shape = try #require(tensors[name]?.shape)
      let count = shape.reduce(1, *)
      tensors[name] = Tensor(
        shape: shape, storage: [Float](repeating: 0, count: count - 1) + [value])
      guard case .tensor(let named, _, _) = failure(SafetensorsBytes.plain(tensors)) else {
        Issue.record("\(name) passed")
        continue
      }
      #expect(named == name)
    }
  }

  @Test("A safetensors header may be as long as what begins a gzip file says")
  func lookalike() {
    let length: UInt64 = 0x08_8b1f
    let header = "{" + String(repeating: " ", count: Int(length) - 2) + "}"
    let failure = failure(SafetensorsBytes.file(header: header))
    #expect(
      failure
        == .unsupported(
          "no tensor conv1.weight, as residual networks have; others are read from ONNX files"),
      "\(String(describing: failure))")
  }

  @Test("A file that cannot be mapped says so")
  func files() {
    for path in ["/nonexistent/model", "/dev/null", "/"] {
      #expect(throws: CheckpointError.self) { try Model.load(path: path) }
    }
  }
}
