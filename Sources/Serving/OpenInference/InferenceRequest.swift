/// Request of the Open Inference Protocol, version 2, with its binary tensor data and
/// classification extensions, as its JSON says it.
///
///     {"id"?, "parameters"?: {"binary_data_output"?},
///      "inputs": [{"name", "shape", "datatype", "data"?,
///                  "parameters"?: {"binary_data_size"?, "content_type"?}}],
///      "outputs"?: [{"name", "parameters"?: {"binary_data"?, "classification"?}}]}
struct InferenceRequest: Sendable {
  struct Input: Sendable {
    var name: String?
    var datatype: String?
    var shape: [Int]?
    var contentType: String?
    /// Bytes after the JSON, in place of data in it.
    var binaryByteCount: Int?
    var data: Data?
  }

  /// Elements of an input that stand in the JSON.
  struct Data: Sendable {
    /// Place between the brackets.
    var place = 0..<0
    /// Strings between their quotes, escapes included.
    var strings: [Range<Int>] = []
    var numberCount = 0
    /// Lengths of the lists at each depth, the outermost first.
    var lengths: [Int] = []
  }

  struct Output: Sendable {
    var name: String?
    /// Whether it goes after the JSON of the answer; nil if the request as a whole decides.
    var isBinary: Bool?
    /// Number of classes that are wanted in its place.
    var classCount: Int?
  }

  var id: String?
  var isBinaryByDefault = false
  var inputs: [Input] = []
  /// Outputs that are wanted; nil for all.
  var outputs: [Output]?
}

/// Name, data type and meaning of an input.
enum InferenceInputKind: String, Sendable, CaseIterable {
  /// An encoded image per element.
  case image
  /// Images as preprocessing leaves them, `[N, C, H, W]`.
  case input

  var datatype: String {
    switch self {
    case .image: "BYTES"
    case .input: "FP32"
    }
  }
}
