import Checkpoint
import HostileFiles
import ResNet
import Testing

/// State dicts, made by hand, in forms that PyTorch 2 no longer writes.
@Suite struct StateDictionaryTests {
  static let network = SmallNetworks.basic

  /// A tensor whose numbers follow the first four elements of a storage.
  struct Stored {
    var name: String
    var pickle: PickleBytes
    var count: Int64
    var data: [UInt8]
  }

  private func stored(
    padding: Int = 0, of network: Architecture = network,
    _ reference: (PickleBytes, Tensor) -> PickleBytes
  ) throws -> [Stored] {
    try SmallNetworks.tensors(of: network).sorted { $0.key < $1.key }.map { name, tensor in
      let values = [Float](repeating: .nan, count: padding) + tensor.values
      let data = values.flatMap { PickleBytes.little($0.bitPattern).bytes }
      let storage = PickleBytes.storage(name, count: values.count)
      return Stored(
        name: name, pickle: reference(storage, tensor), count: Int64(values.count), data: data)
    }
  }

  func load(
    _ value: PickleBytes, _ stored: [Stored], weights: String? = nil,
    labels: [String]? = ["a", "b", "c"]
  ) throws -> Model {
    let bytes = PickleBytes.stream(
      value.pickle(), storages: stored.map { ($0.name, $0.count, $0.data) })
    var options = ModelOptions(labels: labels)
    options.weights = weights
    return try Model.load(bytes: bytes, fileName: "x", options: options)
  }

  func check(_ model: Model) throws {
    #expect(model.architecture == Self.network)
    for (name, tensor) in try SmallNetworks.tensors(of: Self.network) {
      #expect(model.weights[name]?.values == tensor.values, "\(name)")
    }
  }

  static func strides(_ shape: [Int]) -> [Int] {
    shape.indices.map { shape[($0 + 1)...].reduce(1, *) }
  }

  func plain() throws -> [Stored] {
    try stored { .tensor($0, $1.shape, Self.strides($1.shape)) }
  }

  func dictionary(_ stored: [Stored]) -> PickleBytes {
    .dictionary(stored.map { ($0.name, $0.pickle) })
  }

  @Test("An OrderedDict of Python 2 comes with its items as a list of pairs, names as byte strings")
  func python2() throws {
    let stored = try plain()
    let pairs = stored.map { tensor -> PickleBytes in
      let name = PickleBytes.of(
        .code("U"), .raw(UInt8(tensor.name.utf8.count)), .code(tensor.name))
      return .of(.code("]("), name, tensor.pickle, .code("e"))
    }
    let value = PickleBytes.of(
      .global("collections", "OrderedDict"), .code("]("), .joined(pairs), .code("e"), .raw(0x85),
      .code("R"))
    try check(load(value, stored))
  }

  @Test("Offsets into a storage are honoured")
  func offsets() throws {
    let stored = try stored(padding: 3) {
      .tensor($0, offset: 3, $1.shape, Self.strides($1.shape))
    }
    try check(load(dictionary(stored), stored))
  }

  @Test("A view of a storage, as PyTorch before 0.4 stored it, is honoured")
  func views() throws {
    let stored = try stored(padding: 3) { storage, tensor in
      // The persistent id's tuple again, with the view after its five parts.
      let identifier = PickleBytes(Array(storage.bytes.dropLast(2)))
      let view = PickleBytes.tuple([.text("v"), .integer(3), .integer(tensor.elementCount)])
      return .tensor(
        .of(identifier, view, .code("tQ")), tensor.shape, Self.strides(tensor.shape))
    }
    try check(load(dictionary(stored), stored))
  }

  @Test(
    "The state dict is found under the names that training programs give it",
    arguments: [
      ["state_dict"], ["model"], ["model_state_dict"], ["ema"], ["state_dict_ema"],
      ["model", "state_dict"], ["net"], ["params"], ["model_dict"], ["weights"], ["anything"],
      ["a", "b", "c", "d"],
    ])
  func wrappers(names: [String]) throws {
    let stored = try plain()
    var value = dictionary(stored)
    for name in names.reversed() {
      value = .dictionary([
        ("epoch", .integer(3)), (name, value), ("optimizer", .dictionary([("lr", .code("N"))])),
      ])
    }
    let model = try load(value, stored)
    try check(model)
    #expect(model.warnings.isEmpty)
  }

  @Test("What is no complete network does not compete with one")
  func incomplete() throws {
    let stored = try plain()
    var other = stored[0]
    other.name = "unused"
    other.pickle = .tensor(.storage("unused", count: 1), [1], [1])
    (other.count, other.data) = (1, [0, 0, 0, 0])
    let value = PickleBytes.dictionary([
      ("state_dict_ema", dictionary([other])), ("state_dict", dictionary(stored)),
    ])
    let model = try load(value, stored + [other])
    try check(model)
    #expect(
      model.warnings == [
        "1 tensor in other dictionaries than state_dict is passed over (state_dict_ema.unused)"
      ])
  }

  @Test("Parameters in a dictionary beside the network's are refused, unless that is named")
  func besides() throws {
    let stored = try plain()
    let neck = Stored(
      name: "weight", pickle: .tensor(.storage("neck", count: 1), [1], [1]), count: 1,
      data: [0, 0, 0, 0])
    var part = neck
    part.name = "neck"
    let optimizer = PickleBytes.dictionary([("exp_avg", neck.pickle)])
    for value in [
      PickleBytes.dictionary([("model", dictionary(stored)), ("neck", dictionary([neck]))]),
      .dictionary([("model", dictionary(stored)), ("pool.p", neck.pickle)]),
    ] {
      let error = #expect(throws: CheckpointError.self) { try load(value, stored + [part]) }
      #expect(
        error?.description.contains(
          "is in another dictionary than the network model, and may be part of it") == true)
      try check(load(value, stored + [part], weights: "model"))
    }
    let trained = PickleBytes.dictionary([
      ("model", dictionary(stored)), ("optimizer", .dictionary([("weight", optimizer)])),
    ])
    #expect(try load(trained, stored + [part]).warnings.isEmpty)
  }

  @Test(
    "A value of Python's own in the place of a parameter is refused",
    arguments: [
      (PickleBytes.integer(1), "a number of Python's"), (.text("x"), "a string"),
      (.tuple([.integer(1)]), "a tuple"), (.code("]"), "a list"), (.code("}"), "a dictionary"),
    ])
  func plainValues(value: PickleBytes, kind: String) throws {
    let stored = try plain()
    for name in ["fc.bias", "pool.p"] {
      let others = stored.filter { $0.name != name }
      let items = others.map { ($0.name, $0.pickle) } + [(name, value)]
      let error = #expect(throws: CheckpointError.self) { try load(.dictionary(items), others) }
      #expect(error?.description.contains("it is \(kind)") == true, "\(name)")
    }
  }

  @Test("Numbers that are stored with reversed signs are refused", arguments: ["neg", "conj"])
  func reversedSigns(bit: String) throws {
    let stored = try stored { storage, tensor in
      let arguments: [PickleBytes] = [
        storage, .integer(0), .tuple(tensor.shape.map(PickleBytes.integer)),
        .tuple(Self.strides(tensor.shape).map(PickleBytes.integer)), .raw(0x89), .code("}"),
        .dictionary([(bit, .raw(0x88))]),
      ]
      return .of(
        .global("torch._utils", "_rebuild_tensor_v2"), .tuple(arguments), .code("R"))
    }
    let error = #expect(throws: CheckpointError.self) { try load(dictionary(stored), stored) }
    #expect(error?.description.contains("reversed signs") == true)
  }

  static func zeros(
    _ name: String, like tensor: Stored, in network: Architecture
  ) -> PickleBytes {
    let shape = (try? SmallNetworks.tensors(of: network)[tensor.name]?.shape) ?? []
    return .tensor(.storage(name, count: Int(tensor.count)), shape, strides(shape))
  }

  @Test(
    "The labels of an OpenMMLab checkpoint are the model's",
    arguments: [["meta", "CLASSES"], ["meta", "dataset_meta", "classes"]])
  func classes(path: [String]) throws {
    let stored = try plain()
    func value(_ labels: PickleBytes) -> PickleBytes {
      var inner = labels
      for name in path.dropFirst().reversed() { inner = .dictionary([(name, inner)]) }
      return .dictionary([(path[0], inner), ("state_dict", dictionary(stored))])
    }
    let names = PickleBytes.tuple([.text("cat"), .text("dog"), .text("hen")])
    let model = try load(value(names), stored, labels: nil)
    #expect(model.labels == ["cat", "dog", "hen"])
    let place = path.joined(separator: ".")
    #expect(model.warnings == ["labels are those of the file's \(place)"])
    #expect(try load(value(names), stored).labels == ["a", "b", "c"])
    // Labels of something else are no labels.
    let two = value(.tuple([.text("cat"), .text("dog")]))
    let found = "\(place) has 2 labels"
    #expect(throws: CheckpointError.labelsMissing(classCount: 3, found: found)) {
      try load(two, stored, labels: nil)
    }
    #expect(throws: CheckpointError.labelsMissing(classCount: 3)) {
      try load(value(.text("cat")), stored, labels: nil)
    }
  }

  @Test("The tensors of one network may lie in several dictionaries, as deep as modules are")
  func parts() throws {
    let stored = try plain()
    let body = dictionary(stored.filter { !$0.name.hasPrefix("fc.") })
    let head = stored.filter { $0.name.hasPrefix("fc.") }
    let headOnly = PickleBytes.dictionary(head.map { (String($0.name.dropFirst(3)), $0.pickle) })
    for value in [
      PickleBytes.dictionary([("body", body), ("fc", headOnly)]),
      .dictionary([("net", .dictionary([("body", body)])), ("fc", headOnly)]), tree(stored),
      .dictionary([("state_dict", tree(stored))]),
    ] {
      let model = try load(value, stored)
      try check(model)
      #expect(model.warnings.count == 1)
      #expect(model.warnings[0].hasSuffix("dictionaries are taken for those of one network"))
    }
  }

  @Test("Parts of a network that lie in a list, or too deep, are not lost")
  func lostParts() throws {
    var network = Self.network
    network.shortcut = .b
    let stored = try stored(of: network) { .tensor($0, $1.shape, Self.strides($1.shape)) }
    let inner = tree(stored)
    #expect(try load(inner, stored).architecture == network)
    let listed = tree(stored, listing: "downsample")
    var deep = inner
    for name in ["a", "b", "c"] { deep = .dictionary([(name, deep)]) }
    for value in [listed, deep, .dictionary([("state_dict", listed)])] {
      #expect(throws: CheckpointError.self) { try load(value, stored) }
    }
    // What a training keeps may lie anywhere.
    let states = PickleBytes.dictionary([("state", .tuple([stored[0].pickle]))])
    let kept = PickleBytes.dictionary([("net", inner), ("optimizer", states)])
    #expect(try load(kept, stored).architecture == network)
  }

  /// Returns a dictionary for each module; the modules inside of one may be a list.
  private func tree(
    _ stored: [Stored], listing list: Substring? = nil, at depth: Int = 0
  ) -> PickleBytes {
    let parts = Dictionary(grouping: stored) { item in
      item.name.split(separator: ".")[depth]
    }
    let items = parts.sorted { $0.key < $1.key }.map { part, items in
      let isLeaf = items[0].name.split(separator: ".").count == depth + 1
      return (
        String(part), isLeaf ? items[0].pickle : tree(items, listing: list, at: depth + 1)
      )
    }
    let isListed = depth > 0 && stored[0].name.split(separator: ".")[depth - 1] == list
    return isListed ? .tuple(items.map(\.1)) : .dictionary(items)
  }

  @Test("Tensors without names are told from a state dict")
  func nameless() throws {
    let stored = try plain()
    let list = PickleBytes.tuple(stored.map(\.pickle))
    let pairs = PickleBytes.tuple(stored.map { .tuple([.text($0.name), $0.pickle]) })
    for (value, parts, words) in [
      (list, stored, "a tuple of \(stored.count) values, tensors not under their names"),
      (pairs, stored, "a tuple of \(stored.count) values"),
      (stored[0].pickle, [stored[0]], "a single tensor"),
      (.dictionary([("params", list)]), stored, "params is a tuple of"),
    ] {
      #expect {
        _ = try load(value, parts)
      } throws: {
        "\($0)".contains(words) && "\($0)".contains("torch.save(model.state_dict()")
      }
    }
  }

  @Test("A state dict in a tuple or list is told by its place, with the way to take it out")
  func inTuple() throws {
    let stored = try plain()
    let pair = PickleBytes.tuple([.integer(3), dictionary(stored)])
    for (value, words) in [
      (pair, "the file is a tuple of 2 values, of which number 1 holds the tensors"),
      (.dictionary([("model", pair)]), "torch.save(torch.load(\"model.pth\")[\"model\"][1]"),
    ] {
      #expect {
        _ = try load(value, stored)
      } throws: {
        "\($0)".contains(words)
      }
    }
  }

  @Test("A later item replaces an earlier one of the same name")
  func replaced() throws {
    let stored = try plain()
    let value = PickleBytes.of(
      .dictionary([
        (stored[0].name, .tensor(.storage(stored[0].name, count: Int(stored[0].count)), [1], [1]))
      ]),
      .code("("), .joined(stored.map { .of(.text($0.name), $0.pickle) }), .code("u"))
    try check(load(value, stored))
  }

  @Test("Strides over single elements may be any number")
  func unwalkedStrides() throws {
    let network = Architecture(
      stem: .cifar, block: .bottleneck, stages: [.init(blocks: 1, width: 4)], shortcut: .b,
      classCount: 3, inputSize: 32)
    let tensors = try SmallNetworks.tensors(of: network)
    let stored = tensors.sorted { $0.key < $1.key }.map { name, tensor -> Stored in
      let (shape, values) = (tensor.shape, tensor.values)
      let storage = PickleBytes.storage(name, count: values.count)
      guard shape.count == 4, shape[2...] == [1, 1] else {
        let data = values.flatMap { PickleBytes.little($0.bitPattern).bytes }
        let pickle = PickleBytes.tensor(storage, shape, Self.strides(shape))
        return Stored(name: name, pickle: pickle, count: Int64(values.count), data: data)
      }
      // Columns come first, so that it must be gathered.
      let (rows, columns) = (shape[0], shape[1])
      let turned = (0..<values.count).map { values[$0 % rows * columns + $0 / rows] }
      let data = turned.flatMap { PickleBytes.little($0.bitPattern).bytes }
      let pickle = PickleBytes.tensor(storage, shape, [1, rows, .max, .max])
      return Stored(name: name, pickle: pickle, count: Int64(values.count), data: data)
    }
    let model = try load(dictionary(stored), stored)
    #expect(model.architecture == network)
    for (name, tensor) in tensors {
      #expect(model.weights[name]?.values == tensor.values, "\(name)")
    }
  }
}
