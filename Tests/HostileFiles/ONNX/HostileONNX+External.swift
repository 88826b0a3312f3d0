/// ONNX files whose first tensor lies in another file, which no upload may read.
extension HostileONNX {
  private static func external(
    _ name: String, _ entries: [(key: String, value: String)], _ expected: String = "",
    shape: [Int64] = [4, 3, 3, 3], _ change: (inout ModelFile) -> Void = { _ in }
  ) -> Hostile {
    made("external data \(name)", expected) { file in
      file.tensors[0] = .init(
        name: "w", type: 1, shape: shape, fill: ModelFile.external(entries))
      change(&file)
    }
  }

  private static func constant(
    _ name: String, _ entries: [(key: String, value: String)], _ expected: String = "",
    shape: [Int64] = [4, 3, 3, 3]
  ) -> Hostile {
    external("of a Constant \(name)", entries, expected, shape: shape) {
      $0.moveFirstTensorIntoNode()
    }
  }

  /// A constant of a domain that the file names, so that ONNX's checker does not mind it.
  private static var foreignConstant: Hostile {
    let file = external("of another domain's Constant", [("location", "a")], "x.Constant") {
      $0.moveFirstTensorIntoNode(domain: "x")
    }
    var message = WireMessage()
    message.message(8) {
      $0.text(1, "x")
      $0.integer(2, 1)
    }
    return Hostile(file.name, file.expected, bytes: file.bytes + message.bytes)
  }

  static let externals: [Hostile] = [
    external("outside the folder", [("location", "../../../../etc/passwd")], "outside"),
    external("under an absolute path", [("location", "/etc/passwd")], "outside"),
    external("of the process", [("location", "/proc/self/mem")], "outside"),
    external("of a device", [("location", "/dev/zero")], "outside"),
    external("beside the file", [("location", "weights.bin")], "outside"),
    external("of other models", [("location", "../versions")], "outside"),
    external("of a name with a zero", [("location", "w\0/../x")], "outside"),
    external("at no place", []), external("at an empty place", [("location", "")]),
    external("at two places", [("location", "a"), ("location", "b")]),
    external("before its file", [("location", "a"), ("offset", "-1")]),
    external("at a place past 2^63", [("location", "a"), ("offset", "99999999999999999999")]),
    external("of a length that is none", [("location", "a"), ("length", "1e9")]),
    external("in a place of a megabyte", [("location", String(repeating: "a/", count: 1 << 19))]),

    constant("outside the folder", [("location", "../../../../etc/passwd")], "outside"),
    constant("of the process", [("location", "/proc/self/mem")], "outside"),
    constant("beside the file", [("location", "weights.bin")], "outside"),
    constant("of 2^59 bytes", [("location", "a"), ("length", "\(1 << 59)")], "outside"),
    constant("of 2^58 numbers", [("location", "a")], "outside", shape: [1 << 58]),
    constant("of 2^60 numbers", [("location", "a")], "beyond", shape: [1 << 60]),
    constant("at no place", [], "location"),
    foreignConstant,
    external("of a Constant with an initialiser's name", [("location", "a")], "w") { file in
      let tensor = file.tensors[0]
      file.moveFirstTensorIntoNode()
      file.tensors.append(tensor)
    },
    external("of a Constant with the input's name", [("location", "a")], "x") { file in
      file.tensors[0].name = "x"
      file.moveFirstTensorIntoNode()
    },
    external("of a filler", [("location", "a")], "outside", shape: [1]) { file in
      file.tensors.append(ModelFile.integers64("shape", [4, 3, 3, 3]))
      file.moveFirstTensorIntoNode("ConstantOfShape", inputs: ["shape"])
    },
  ]
}
