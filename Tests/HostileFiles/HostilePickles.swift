/// Pickles that a reader must refuse, each as the value of PyTorch's older stream.
package enum HostilePickles {
  package static let all: [Hostile] = [
    globals, placeholders, opcodes, arguments, structure, growth, tensors, storages, states,
  ].flatMap(\.self)

  private static let names: [(String, String)] = [
    ("os", "system"), ("posix", "system"), ("builtins", "eval"), ("__builtin__", "exec"),
    ("subprocess", "Popen"), ("os.path", "join"), ("importlib", "import_module"),
  ]

  private static let others: [(String, String)] = [
    ("builtins", "getattr"), ("codecs", "encode"), ("builtins", "evaluate"), ("osx", "system"),
    ("torch.storage", "_load_from_bytes"), ("torch", "load"), ("torch", "ComplexFloatStorage"),
    ("torch.storage", "UntypedStorage"), ("torchvision.models.resnet", "ResNet"),
    ("numpy.core.multiarray", "_reconstruct"), ("collections", "defaultdict"),
    ("argparse", "Namespace"), ("torch._utils", "_rebuild_tensor_v2.__globals__"),
    ("collections.OrderedDict", "fromkeys"), ("", ""),
  ]

  /// Globals that are called, and that STACK_GLOBAL names without a call.
  private static let globals: [Hostile] = names.flatMap { module, name -> [Hostile] in
    let refusal = "refuses \(module).\(name) (byte"
    let (call, mention) = uses(module, name)
    return [
      Hostile("\(module).\(name)", refusal, call),
      Hostile("\(module).\(name) unused", refusal, mention),
    ]
  }

  /// Globals whose results are placeholders, which are no tensors.
  private static let placeholders: [Hostile] = others.flatMap { module, name -> [Hostile] in
    let (call, mention) = uses(module, name)
    return [
      Hostile("\(module).\(name)", "a whole object, \(module).\(name);", call),
      Hostile("\(module).\(name) unused", "(a is a \(module).\(name))", mention),
    ]
  }

  private static func uses(
    _ module: String, _ name: String
  ) -> (call: PickleBytes, mention: PickleBytes) {
    (
      .of(.global(module, name), .tuple([.text("id")]), .code("R")),
      .dictionary([("a", .of(.text(module), .text(name), .raw(0x93)))])
    )
  }

  private static let refusedCodes: [(String, UInt8)] = [
    ("EXT1", 0x82), ("PERSID", 0x50), ("DUP", 0x32), ("NEXT_BUFFER", 0x97),
    ("READONLY_BUFFER", 0x98), ("STRING", 0x53), ("GET", 0x67), ("none at all", 0xff),
  ]

  private static let opcodes: [Hostile] = refusedCodes.map { name, code in
    Hostile(name, "opcode 0x\(String(code, radix: 16))", .of(.code("N"), .raw(code)))
  }

  private static let arguments: [Hostile] = [
    Hostile("PROTO inside", "a pickle inside", .of(.raw(0x80, 2), .code("N"))),
    Hostile("protocol 1", "protocol 1", .code("N"), protocol: 1),
    Hostile("protocol 6", "protocol 6", .code("N"), protocol: 6),
    Hostile("no protocol", "begins with its protocol", bytes: PickleBytes.stream([0x4e, 0x2e])),
    Hostile("a frame's lie", "a frame claims", .of(.raw(0x95), .little(UInt64.max), .code("N"))),
    Hostile("huge LONG4", "bytes of a string", .of(.raw(0x8b), .little(Int32.max))),
    Hostile("negative LONG4", "an integer of -1 bytes", .of(.raw(0x8b), .little(Int32(-1)))),
    Hostile("LONG1 beyond the file", "claims", .raw(0x8a, 255)),
    Hostile("BINUNICODE beyond the file", "claims", .of(.code("X"), .little(UInt32(4096)))),
    Hostile("BINUNICODE8", "bytes of a string", .of(.raw(0x8d), .little(UInt64.max))),
    Hostile("BINBYTES8", "bytes of a string", .of(.raw(0x8e), .little(UInt64(1) << 63))),
    Hostile("BYTEARRAY8", "bytes of a string", .of(.raw(0x96), .little(UInt64.max))),
    Hostile("an endless name", "has no end", .code("c" + String(repeating: "a", count: 999))),
    Hostile("a name that is not UTF-8", "not UTF-8", .raw(0x63, 0xff, 0x0a, 0x0a)),
  ]

  private static let structure: [Hostile] = [
    Hostile("BINGET of nothing", "memo 7", .raw(0x68, 7)),
    Hostile("LONG_BINGET of nothing", "memo 4294967295", .of(.code("j"), .little(UInt32.max))),
    Hostile("STOP on nothing", "stack is empty", PickleBytes()),
    Hostile("POP on nothing", "stack is empty", .code("0")),
    Hostile("MEMOIZE of nothing", "stack is empty", .raw(0x94)),
    Hostile("APPEND to None", "not a container", .code("NNa")),
    Hostile("APPENDS to a tuple", "not a container", .code(")(Ne")),
    Hostile("SETITEM of a list", "not a container", .code("]NNs")),
    Hostile("SETITEMS with an odd count", "without a value", .code("}(Nu")),
    Hostile("TUPLE without a mark", "no mark", .code("Nt")),
    Hostile("POP_MARK without a mark", "no mark", .code("N1")),
    Hostile("TUPLE3 of two", "stack is empty", .of(.code("NN"), .raw(0x87))),
    Hostile("a reach below a mark", "stack is empty", .code("]N(a")),
    Hostile("values left over", "left over", .code("NN")),
    Hostile("a mark left over", "stack is empty", .code("N(")),
    Hostile("REDUCE of None", "not a known global", .code("N)R")),
    Hostile(
      "REDUCE with a list", "not a known global",
      .of(.global("collections", "OrderedDict"), .code("]R"))),
    Hostile(
      "REDUCE of a storage's class", "made by a call",
      .of(.global("torch", "FloatStorage"), .code(")R"))),
    Hostile("BUILD with a tuple", "not a dictionary", .code("})b")),
    Hostile("BUILD of a list", "takes none", .code("]}b")),
    Hostile("NEWOBJ of None", "not a known global", .of(.code("N)"), .raw(0x81))),
    Hostile("NEWOBJ_EX with a list", "without a tuple", .of(.code("N]N"), .raw(0x92))),
    Hostile("OBJ without a mark", "no mark", .code("No")),
    Hostile("OBJ of nothing", "an object without a class", .code("(o")),
    Hostile("INST without a name", "has no end", .code("(i")),
    Hostile("an INT of letters", "not a decimal number", .code("Ix\n")),
    Hostile(
      "a typed tensor of None", "not made of function",
      .of(.global("torch._tensor", "_rebuild_from_type_v2"), .code("NNN"), .raw(0x87), .code("R"))),
    Hostile(
      "a typed tensor in itself", "something else than a function",
      .of(
        .global("torch._tensor", "_rebuild_from_type_v2"), .code("("),
        .global("torch._tensor", "_rebuild_from_type_v2"), .global("torch", "Tensor"),
        .code(")}tR"))),
    Hostile("STACK_GLOBAL of None", "not a name", .of(.code("NN"), .raw(0x93))),
    Hostile(
      "OrderedDict of numbers", "pairs",
      .of(.global("collections", "OrderedDict"), .code("](NNe"), .raw(0x85), .code("R"))),
    Hostile(
      "OrderedDict of a text", "list of pairs",
      .of(.global("collections", "OrderedDict"), .text("a"), .raw(0x85), .code("R"))),
    Hostile(
      "a parameter of None", "without a tensor",
      .of(.global("torch._utils", "_rebuild_parameter"), .code("N"), .raw(0x85), .code("R"))),
  ]

  private static func repeated(_ text: String, _ count: Int) -> PickleBytes {
    .code(String(repeating: text, count: count))
  }

  /// Forty lists, each with ten references to the one before.
  private static var laughs: PickleBytes {
    var parts: [PickleBytes] = [.code("]"), .raw(0x94)]
    for level in 0..<UInt8(40) {
      let references = PickleBytes((0..<10).flatMap { _ in [0x68, level] })
      parts += [.code("]("), references, .code("e"), .raw(0x94), .raw(0x68, level + 1)]
      parts.append(.code("0"))
    }
    return PickleBytes.joined(parts + (0..<40).map { _ in .raw(0x86) })
  }

  private static let growth: [Hostile] = [
    Hostile("marks in marks", "open marks", repeated("(", 513)),
    Hostile("a deep stack", "stack: 1000001", repeated("N", 1_000_001)),
    Hostile("many containers", "containers of the pickle: 1000001", repeated("]0", 1_000_001)),
    Hostile(
      "many memo entries", "memo entries",
      .of(.code("N"), PickleBytes([UInt8](repeating: 0x94, count: 1_000_001)))),
    Hostile(
      "many objects", "objects of the pickle: 1000001",
      .of(
        .global("a", "b"), .code(")"), .raw(0x94), .code("R"),
        PickleBytes((0..<1_000_000).flatMap { _ in [0x68, 0, 0x52] as [UInt8] }))),
    Hostile(
      "many classes", "classes of the pickle: 4097",
      .joined((0..<4097).map { .of(.global("a", "\($0)"), .code("0")) })),
    Hostile("lists in lists", "no state dict", .of(repeated("]", 100_000), repeated("a", 99_999))),
    Hostile(
      "tuples in tuples", "no state dict",
      .of(.code("N"), PickleBytes([UInt8](repeating: 0x85, count: 100_000)))),
    Hostile(
      "a list in itself", "no state dict", .of(.code("]"), .raw(0x94), .raw(0x68, 0), .code("a"))),
    Hostile(
      "a dictionary in itself", "holds no tensor",
      .of(.code("}"), .raw(0x94), .text("model"), .raw(0x68, 0), .code("s"))),
    Hostile(
      "a dictionary that is its own key", "holds no tensor",
      .of(.code("}"), .raw(0x94), .raw(0x68, 0), .raw(0x68, 0), .code("s"))),
    Hostile("a billion laughs", "no state dict", laughs),
    Hostile(
      "a long string in many tuples", "no state dict",
      .of(
        .code("]("), .text(String(repeating: "x", count: 1 << 20)), .raw(0x94),
        PickleBytes((0..<100_000).flatMap { _ in [0x68, 0, 0x85] as [UInt8] }), .code("e"))),
    Hostile(
      "a long string as many keys", "holds no tensor",
      .of(
        .code("}("), .text(String(repeating: "x", count: 1 << 20)), .raw(0x94), .code("N"),
        PickleBytes((0..<100_000).flatMap { _ in [0x68, 0, 0x4e] as [UInt8] }), .code("u"))),
    Hostile(
      "a list made into many dictionaries", "values in the pickle's containers",
      .of(
        .global("collections", "OrderedDict"), .raw(0x94), .code("]("), .code("NN"),
        .raw(0x86, 0x94), PickleBytes((0..<2000).flatMap { _ in [0x68, 1] as [UInt8] }), .code("e"),
        .raw(0x85, 0x94),
        PickleBytes((0..<2000).flatMap { _ in [0x68, 0, 0x68, 2, 0x52] as [UInt8] }))),
  ]

  private static func tensor(
    _ name: String, _ expected: String, count: Int = 4, offset: Int = 0, _ shape: [Int],
    _ strides: [Int]
  ) -> Hostile {
    let value = PickleBytes.dictionary([
      ("a", .tensor(.storage("0", count: count), offset: offset, shape, strides))
    ])
    let data = [UInt8](repeating: 0, count: 16)
    return Hostile(
      name, expected, bytes: PickleBytes.stream(value.pickle(), storages: [("0", 4, data)]))
  }

  private static let tensors: [Hostile] = [
    tensor("a tensor past its storage", "leaves its storage", [5], [1]),
    tensor("an offset past its storage", "leaves its storage", offset: 4, [1], [1]),
    tensor("a huge offset", "leaves its storage", offset: .max, [1], [1]),
    tensor("strides past its storage", "leaves its storage", [2, 2], [3, 1]),
    tensor("a stride that overflows", "leaves its storage", [3], [.max]),
    tensor("strides whose sum overflows", "leaves its storage", [2, 2], [.max, .max]),
    tensor("a shape that overflows", "leaves its storage", [1 << 32, 1 << 32], [0, 0]),
    tensor(
      "an empty shape that overflows", "leaves its storage", [0, 1 << 32, 1 << 32], [0, 0, 0]),
    tensor("a negative dimension", "size [-1]", [-1], [1]),
    tensor("a negative stride", "strides [-1]", [2], [-1]),
    tensor("a negative offset", "offset -1", offset: -1, [1], [1]),
    tensor("too few strides", "size [1, 1]", [1, 1], [1]),
    tensor(
      "nine dimensions", "dimensions of a tensor", .init(repeating: 1, count: 9),
      .init(repeating: 1, count: 9)),
    tensor(
      "ten dimensions", "not made of", .init(repeating: 1, count: 10),
      .init(repeating: 1, count: 10)),
    tensor("a gigabyte out of one number", "share", [1 << 28], [0]),
    tensor("a storage of -1", "storage of -1", count: -1, [1], [1]),
    tensor("a storage that overflows", "storage of", count: .max, [1], [1]),
    tensor("another count than the stream's", "has 4 elements", count: 5, [1], [1]),
  ]

  private static func stream(
    _ name: String, _ expected: String, id identifier: PickleBytes? = nil,
    _ storages: [(key: String, count: Int64, data: [UInt8])] = [], behind: [UInt8] = []
  ) -> Hostile {
    let storage = identifier.map { PickleBytes.of($0, .code("Q")) } ?? .storage("0", count: 1)
    let value = PickleBytes.dictionary([("a", .tensor(storage, [1], [1]))])
    return Hostile(
      name, expected, bytes: PickleBytes.stream(value.pickle(), storages: storages) + behind)
  }

  private static let storages: [Hostile] = [
    stream("no storage", "storage 0 is not there"),
    stream("a storage past the file", "takes 4 bytes", [("0", 1, [0, 0, 0])]),
    stream("a storage of fewer", "the pickle says 1", [("0", 0, [])]),
    stream("a storage of fewer than none", "has -1 elements", [("0", -1, [])]),
    stream("a storage of too many", "the pickle says 1", [("0", .max, [0, 0, 0, 0])]),
    stream("a key twice", "all different", [("0", 1, [0, 0, 0, 0]), ("0", 1, [0, 0, 0, 0])]),
    stream("a key of nobody", "its size is unknown", [("0", 1, [0, 0, 0, 0]), ("1", 1, [])]),
    stream("bytes behind", "1 bytes after", [("0", 1, [0, 0, 0, 0])], behind: [0]),
    stream("a persistent id of None", "does not name a storage", id: .code("N")),
    stream(
      "a module's source", "does not name a storage",
      id: .tuple([.text("module"), .code("N"), .text("a"), .text("b"), .integer(0)])),
    stream(
      "a storage of no class", "does not name a storage",
      id: .tuple([.text("storage"), .code("N"), .text("0"), .text("cpu"), .integer(1)])),
    stream(
      "a long key", "key",
      id: .tuple([
        .text("storage"), .global("torch", "FloatStorage"),
        .text(String(repeating: "k", count: 65)), .text("cpu"), .integer(1),
      ])),
    stream(
      "a view past its storage", "a view that leaves",
      id: .tuple([
        .text("storage"), .global("torch", "FloatStorage"), .text("0"), .text("cpu"), .integer(1),
        .tuple([.text("v"), .integer(1), .integer(1)]),
      ])),
    stream(
      "a negative view", "a view that leaves",
      id: .tuple([
        .text("storage"), .global("torch", "FloatStorage"), .text("0"), .text("cpu"), .integer(1),
        .tuple([.text("v"), .integer(-1), .integer(1)]),
      ])),
    Hostile(
      "two types for one storage", "declared in two ways",
      bytes: PickleBytes.stream(
        PickleBytes.dictionary([
          ("a", .tensor(.storage("0", count: 1), [1], [1])),
          ("b", .tensor(.storage("0", "LongStorage", count: 1), [1], [1])),
        ]).pickle(), storages: [("0", 1, [0, 0, 0, 0])])),
    Hostile(
      "no magic number", "magic number and without NumPy arrays",
      bytes: PickleBytes.code("N").pickle() + [UInt8](repeating: 0, count: 16)),
    Hostile(
      "another protocol", "the protocol is not 1001",
      bytes: PickleBytes.magic + PickleBytes.integer(1000).pickle()),
    Hostile(
      "another byte order", "not little-endian",
      bytes: PickleBytes.magic + PickleBytes.protocolVersion
        + PickleBytes.dictionary([("little_endian", .raw(0x89))]).pickle()),
    Hostile(
      "keys that are no list", "are not a list",
      bytes: PickleBytes.magic + PickleBytes.protocolVersion + PickleBytes.system
        + PickleBytes.code("}").pickle() + PickleBytes.code("}").pickle()),
    Hostile(
      "keys that are no texts", "all different",
      bytes: PickleBytes.magic + PickleBytes.protocolVersion + PickleBytes.system
        + PickleBytes.code("}").pickle() + PickleBytes.code("](Ne").pickle()),
  ]

  private static let states: [Hostile] = [
    Hostile("None", "no state dict", .code("N")),
    Hostile("an empty dictionary", "holds no tensor", .code("}")),
    Hostile("numbers alone", "holds no tensor", .dictionary([("a", .integer(1))])),
    Hostile(
      "text that is not UTF-8", "holds no tensor",
      .of(.code("}("), .raw(0x8c, 1, 0xff), .code("Nu"))),
    Hostile(
      "a tensor without a name", "whose name is not a string",
      bytes: PickleBytes.stream(
        PickleBytes.of(.code("}N"), .tensor(.storage("0", count: 1), [1], [1]), .code("s"))
          .pickle(),
        storages: [("0", 1, [0, 0, 0, 0])])),
    Hostile(
      "a tensor with a long name", "whose name is not a string",
      bytes: PickleBytes.stream(
        PickleBytes.dictionary([
          (String(repeating: "n", count: 257), .tensor(.storage("0", count: 1), [1], [1]))
        ]).pickle(), storages: [("0", 1, [0, 0, 0, 0])])),
  ]
}
