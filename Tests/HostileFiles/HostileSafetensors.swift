/// Safetensors files that lie, ask for too much, or hold another network than they say.
package enum HostileSafetensors {
  package static let all = [headers, declarations, places, contents, documents, networks].flatMap(
    \.self)

  private static func made(
    _ name: String, _ expected: String, _ change: (inout SafetensorsParts) -> Void
  ) -> Hostile {
    var parts = SafetensorsParts(
      document: SoundFiles.document(architecture: SoundFiles.architecture),
      tensors: SoundFiles.tensors)
    change(&parts)
    return Hostile("safetensors: \(name)", expected, bytes: parts.bytes)
  }

  private static func header(
    _ name: String, _ expected: String, _ text: String, claimed: UInt64? = nil
  ) -> Hostile {
    Hostile(
      "safetensors: \(name)", expected,
      bytes: SafetensorsBytes.file(header: text, data: [0, 0, 0, 0], claimedLength: claimed))
  }

  private static let headers: [Hostile] = [
    Hostile("safetensors: one byte", "", bytes: [0x7b]),
    Hostile("safetensors: zeros", "", bytes: [UInt8](repeating: 0, count: 4096)),
    Hostile("safetensors: ones", "", bytes: [UInt8](repeating: 0xff, count: 4096)),
    Hostile("safetensors: a text", "", bytes: Array("<html><body>404 Not Found</body>".utf8)),
    Hostile("safetensors: a gzip file", "", bytes: [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3] + [3, 0]),
    header("an empty header", "", ""),
    header("a header of nothing", "", "{}", claimed: 0),
    header("a header past the file", "claims", "{}", claimed: 4096),
    header("the longest header there is", "at most", "{}", claimed: .max),
    header("a header of half the numbers", "at most", "{}", claimed: 1 << 63),
    header("a header of a terabyte", "at most", "{}", claimed: 1 << 40),
    header("an array", "", "[]"), header("half an object", "", "{"),
    header("something behind", "", "{}x"), header("a space in front", "", " {}"),
    header("a name twice", "", #"{"a":1,"a":1}"#),
    header("metadata of numbers", "", #"{"__metadata__":{"a":1}}"#),
    header("metadata that is a list", "", #"{"__metadata__":[]}"#),
    header("a name with a zero", "", "{\"\u{0}\":1}"),
    header("no tensors", "no tensor", "{}"),
    header("deep lists", "", #"{"a":"# + String(repeating: "[", count: 1 << 20)),
    header(
      "closed deep lists", "",
      #"{"a":"# + String(repeating: "[", count: 100_000) + String(repeating: "]", count: 100_000)
        + "}"),
    header(
      "deep objects", "", String(repeating: #"{"a":"#, count: 100_000)),
    header(
      "a million empty objects", "",
      "{\"a\":[" + String(repeating: "{},", count: 1_000_000) + "{}]}"),
    header(
      "a hundred thousand tensors", "",
      "{"
        + (0..<100_000).map { #""\#($0)":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}"# }
        .joined(separator: ",") + "}"),
    header(
      "a name of a megabyte", "",
      #"{"\#(String(repeating: "n", count: 1 << 20))":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}"#
    ),
    header(
      "a number of a megabyte", "",
      #"{"a":{"dtype":"U8","shape":[\#(String(repeating: "9", count: 1 << 20))],"data_offsets":[0,4]}}"#
    ),
    header(
      "ten thousand metadata", "",
      #"{"__metadata__":{"#
        + (0..<10_000).map { #""\#($0)":"""# }.joined(separator: ",") + "}}"),
  ]

  private static let declarations: [Hostile] = [
    ("a number", "1"), ("an empty object", "{}"),
    ("an unknown type", #"{"dtype":"F99","shape":[1],"data_offsets":[0,4]}"#),
    ("a shape that is a number", #"{"dtype":"F32","shape":1,"data_offsets":[0,4]}"#),
    ("a negative side", #"{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}"#),
    ("a broken side", #"{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}"#),
    ("one offset", #"{"dtype":"F32","shape":[1],"data_offsets":[0]}"#),
    ("offsets the wrong way", #"{"dtype":"F32","shape":[1],"data_offsets":[4,0]}"#),
    ("a negative offset", #"{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}"#),
    ("too few bytes", #"{"dtype":"F32","shape":[2],"data_offsets":[0,4]}"#),
    (
      "a product that overflows",
      #"{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]}"#
    ),
    (
      "an empty product that overflows",
      #"{"dtype":"F32","shape":[0,4294967296,4294967296],"data_offsets":[0,0]}"#
    ),
    ("an end past the file", #"{"dtype":"F32","shape":[2],"data_offsets":[0,8]}"#),
    (
      "an end that overflows",
      #"{"dtype":"F32","shape":[1],"data_offsets":[9223372036854775804,9223372036854775807]}"#
    ),
    ("nine sides", #"{"dtype":"U8","shape":[1,1,1,1,1,1,1,1,4],"data_offsets":[0,4]}"#),
    ("a side of 2^64", #"{"dtype":"U8","shape":[18446744073709551616],"data_offsets":[0,4]}"#),
  ].map { name, text in header("a tensor: \(name)", "", #"{"t":\#(text)}"#) }

  private static let places: [Hostile] = [
    made("overlapping tensors", "") { $0.tensors[1].offsets = (0, $0.tensors[1].data.count) },
    made("a hole between tensors", "") { parts in
      let start = parts.tensors[0].data.count + 4
      parts.tensors[1].offsets = (start, start + parts.tensors[1].data.count)
    },
    made("two tensors at one place", "") { $0.tensors.append($0.tensors[0]) },
    made("bytes that belong to nobody", "") { parts in
      let data = parts.tensors.map(\.data.count).reduce(0, +)
      parts.members.append(
        #""more":{"dtype":"U8","shape":[4],"data_offsets":[\#(data + 4),\#(data + 8)]}"#)
    },
    made("a tensor past the file", "") { $0.tensors[0].offsets = (1 << 40, 1 << 40 + 4) },
  ]

  private static func numbers(_ values: [Float]) -> [UInt8] {
    values.flatMap { PickleBytes.little($0.bitPattern).bytes }
  }

  private static func index(of name: String) -> Int {
    SoundFiles.tensors.firstIndex { $0.name == name } ?? 0
  }

  private static func value(_ name: String, _ value: Float) -> Hostile {
    made("\(value) in \(name)", name) { parts in
      parts.tensors[index(of: name)].data.replaceSubrange(0..<4, with: numbers([value]))
    }
  }

  /// Well-formed files whose networks do not do what the files say.
  package static let unfit: [Hostile] = [
    made("golden logits that are wrong", "") { parts in
      // An image of one pixel: PNG, 1x1, grey.
      let image: [UInt8] = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]
      parts.tensors.append(
        .init(name: "golden.0.image", type: "U8", shape: [image.count], data: image))
      parts.tensors.append(
        .init(
          name: "golden.0.logits", shape: [10],
          data: numbers([Float](repeating: 1, count: 10))))
    }
  ]

  private static let contents: [Hostile] = [
    value("conv1.weight", .nan), value("fc.bias", .infinity), value("bn1.weight", -.infinity),
    value("bn1.running_var", -0.5), value("bn1.running_mean", .nan),
    made("no classifier", "fc.weight") { $0.tensors.remove(at: index(of: "fc.weight")) },
    made("no first convolution", "conv1") { $0.tensors.remove(at: index(of: "conv1.weight")) },
    made("no variance", "running_var") { $0.tensors.remove(at: index(of: "bn1.running_var")) },
    made("a tensor too many", "not part of the network") {
      $0.tensors.append(.init(name: "layer9.0.conv1.weight", shape: [1], data: [0, 0, 0, 0]))
    },
    made("an empty weight", "") { parts in
      parts.tensors[index(of: "fc.weight")].shape = [0, 8]
      parts.tensors[index(of: "fc.weight")].data = []
    },
    made("another shape of as many numbers", "shape [8, 10]") {
      $0.tensors[index(of: "fc.weight")].shape = [8, 10]
    },
    made("whole numbers for weights", "conv1.weight") {
      $0.tensors[index(of: "conv1.weight")].type = "I32"
    },
    made("truth values for weights", "") { parts in
      let position = index(of: "fc.bias")
      parts.tensors[position].type = "BOOL"
      parts.tensors[position].data = [UInt8](repeating: 1, count: 10)
    },
    made("a golden image without logits", "golden") {
      $0.tensors.append(.init(name: "golden.0.image", type: "U8", shape: [4], data: [1, 2, 3, 4]))
    },
    made("a golden sample out of turn", "golden") {
      $0.tensors.append(.init(name: "golden.7.image", type: "U8", shape: [4], data: [1, 2, 3, 4]))
    },
  ]

  private static func document(_ name: String, _ expected: String, _ text: String) -> Hostile {
    made("document: \(name)", expected) { $0.document = text }
  }

  private static let documents: [Hostile] = [
    document("nothing", "metadata", ""), document("no JSON", "metadata", "{"),
    document("a list", "metadata", "[]"), document("an empty object", "metadata", "{}"),
    document("another format", "format version 999", #"{"format_version": 999}"#),
    document("a format of 2^64", "metadata", #"{"format_version": 18446744073709551616}"#),
    document("deep lists", "metadata", String(repeating: "[", count: 100_000)),
    document(
      "closed deep objects", "metadata",
      String(repeating: #"{"a":"#, count: 100_000) + "1" + String(repeating: "}", count: 100_000)),
    document(
      "deep lists beside what is right", "metadata",
      SoundFiles.document(
        architecture: SoundFiles.architecture,
        more: #", "x": "# + String(repeating: "[", count: 50_000)
          + String(repeating: "]", count: 50_000))),
    document(
      "too few labels", "9 labels",
      SoundFiles.document(
        architecture: SoundFiles.architecture, labels: Array(SoundFiles.labels.dropLast()))),
    document(
      "too many labels", "labels",
      SoundFiles.document(
        architecture: SoundFiles.architecture,
        labels: (0..<100_000).map(String.init))),
    document(
      "a label with a control character", "control character",
      SoundFiles.document(
        architecture: SoundFiles.architecture,
        labels: SoundFiles.labels.dropLast() + [#"a\u0007b"#])),
    document(
      "a label of a megabyte", "label",
      SoundFiles.document(
        architecture: SoundFiles.architecture,
        labels: SoundFiles.labels.dropLast() + [String(repeating: "l", count: 1 << 20)])),
    document(
      "images of 2^40 pixels", "",
      SoundFiles.document(
        architecture: SoundFiles.architecture,
        preprocessing: SoundFiles.preprocessing.replacing("32", with: "1099511627776"))),
    document(
      "a deviation of 0", "std",
      SoundFiles.document(
        architecture: SoundFiles.architecture,
        preprocessing: SoundFiles.preprocessing.replacing("0.25", with: "0"))),
    document(
      "a filter that nobody knows", "",
      SoundFiles.document(
        architecture: SoundFiles.architecture,
        preprocessing: SoundFiles.preprocessing.replacing("bilinear", with: "../../x"))),
    document(
      "a calibration of nonsense", "",
      SoundFiles.document(
        architecture: SoundFiles.architecture,
        more: #", "calibration": {"method": "x", "ranges": {"input": -1}}"#)),
    document(
      "a name that is a path", "name",
      SoundFiles.document(architecture: SoundFiles.architecture)
        .replacing(#""small""#, with: #""../../etc/passwd""#)),
  ]

  private static func network(_ name: String, _ old: String, _ new: String) -> Hostile {
    document(
      "a network of \(name)", "",
      SoundFiles.document(architecture: SoundFiles.architecture.replacing(old, with: new)))
  }

  private static let networks: [Hostile] = [
    network("a billion blocks", #""blocks": 1"#, #""blocks": 1000000000"#),
    network("no blocks", #""blocks": 1"#, #""blocks": 0"#),
    network("fewer than no blocks", #""blocks": 1"#, #""blocks": -1"#),
    network("a billion channels", #""width": 4"#, #""width": 1000000000"#),
    network("channels that overflow", #""width": 4"#, #""width": 9223372036854775807"#),
    network("no channels", #""width": 4"#, #""width": 0"#),
    network("other channels", #""width": 4"#, #""width": 5"#),
    network("two billion classes", #""class_count": 10"#, #""class_count": 2000000000"#),
    network("no classes", #""class_count": 10"#, #""class_count": 0"#),
    network("huge images", #""input_size": 32"#, #""input_size": 1000000000"#),
    network("images of nothing", #""input_size": 32"#, #""input_size": 0"#),
    network("another input", #""input_size": 32"#, #""input_size": 64"#),
    network("a shortcut that nobody knows", #""shortcut": "A""#, #""shortcut": "Z""#),
    network("projections that are not there", #""shortcut": "A""#, #""shortcut": "B""#),
    network("another stem", #""stem": "cifar""#, #""stem": "imagenet""#),
    network("other blocks", #""block": "basic""#, #""block": "bottleneck""#),
    network(
      "ten thousand stages", #""stages": ["#,
      #""stages": ["# + String(repeating: #"{"blocks": 1, "width": 4},"#, count: 10_000)),
    network(
      "a negative epsilon", #""input_size": 32"#, #""input_size": 32, "normalization_epsilon": -1"#),
    network("no groups", #""input_size": 32"#, #""input_size": 32, "groups": 0"#),
  ]
}
