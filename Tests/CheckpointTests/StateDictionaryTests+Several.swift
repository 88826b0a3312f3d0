import Checkpoint
import HostileFiles
import ResNet
import Testing

/// Files that hold more than one set of parameters: several networks, averages, aliases.
extension StateDictionaryTests {
  @Test("Of two complete networks one must be named")
  func several() throws {
    let stored = try plain()
    let zeros = stored.map { tensor in
      Stored(
        name: tensor.name + "0",
        pickle: Self.zeros(tensor.name + "0", like: tensor, in: Self.network),
        count: tensor.count, data: [UInt8](repeating: 0, count: tensor.data.count))
    }
    let ema = PickleBytes.dictionary(zip(stored, zeros).map { ("module.\($0.name)", $1.pickle) })
    let value = PickleBytes.dictionary([
      ("epoch", .integer(1)), ("state_dict", dictionary(stored)), ("ema", ema),
    ])
    #expect(throws: CheckpointError.severalWeights(names: ["state_dict", "ema.module"])) {
      try load(value, stored + zeros)
    }
    for name in ["state_dict", "ema", "ema.module"] {
      let model = try load(value, stored + zeros, weights: name)
      let weight = try #require(model.weights["conv1.weight"]?.values)
      #expect(weight.allSatisfy { $0 == 0 } == (name != "state_dict"))
    }
    #expect(throws: CheckpointError.noWeights(name: "model", names: ["state_dict", "ema.module"])) {
      try load(value, stored + zeros, weights: "model")
    }
  }

  /// A moving average as torch_ema keeps it: copies of all parameters, each number one more.
  private func average(of stored: [Stored]) throws -> (list: PickleBytes, storages: [Stored]) {
    let tensors = try SmallNetworks.tensors(of: Self.network)
    let parameters = stored.filter {
      !$0.name.hasPrefix("running_") && !$0.name.contains(".running_")
    }
    let copies = try parameters.map { parameter -> Stored in
      let tensor = try #require(tensors[parameter.name])
      let name = "average \(parameter.name)"
      let storage = PickleBytes.storage(name, count: tensor.values.count)
      return Stored(
        name: name, pickle: .tensor(storage, tensor.shape, Self.strides(tensor.shape)),
        count: parameter.count,
        data: tensor.values.flatMap { PickleBytes.little(($0 + 1).bitPattern).bytes })
    }
    return (.list(copies.map(\.pickle)), copies)
  }

  @Test("A moving average without names is told, and taken by name in the order of the parameters")
  func namelessAverage() throws {
    // As PyTorch has them: parameters of a module, then its buffers.
    let stored = try plain().sorted {
      ($0.name.hasPrefix("layer") ? 1 : 0, $0.name)
        < ($1.name.hasPrefix("layer") ? 1 : 0, $1.name)
    }
    let (list, copies) = try average(of: stored)
    let value = PickleBytes.dictionary([
      ("model", dictionary(stored)),
      (
        "ema",
        .dictionary([
          ("decay", .integer(1)), ("shadow_params", list), ("collected_params", list),
        ])
      ),
      ("optimizer", .dictionary([("state", list)])),
    ])
    let model = try load(value, stored + copies)
    try check(model)
    let told =
      "ema.shadow_params, a list of \(copies.count) tensors without names, is not used; in "
      + "its order it fits the parameters of model: --weights ema.shadow_params takes them"
    #expect(model.warnings.count == 1 && model.warnings[0].hasPrefix(told), "\(model.warnings)")
    for name in ["ema", "shadow_params", "ema.shadow_params"] {
      let average = try load(value, stored + copies, weights: name)
      for (name, tensor) in try SmallNetworks.tensors(of: Self.network) {
        let isBuffer = name.contains(".running_")
        #expect(average.weights[name]?.values == tensor.values.map { isBuffer ? $0 : $0 + 1 })
      }
      #expect(
        average.warnings.contains {
          $0.contains("are taken for the parameters of model in their order")
        })
    }
    try check(load(value, stored + copies, weights: "model"))
  }

  @Test("A moving average that fits no state dict, or several, is told, and refused by name")
  func unfitAverage() throws {
    let stored = try plain()
    let (list, copies) = try average(of: stored)
    let short = PickleBytes.list(copies.dropLast().map(\.pickle))
    let cases: [(PickleBytes, [Stored], String?)] = [
      (
        PickleBytes.dictionary([("model", dictionary(stored)), ("ema", short)]),
        Array(copies.dropLast()), nil
      ),
      (
        .dictionary([
          ("model", dictionary(stored)), ("last", dictionary(stored)), ("ema", list),
        ]), copies, "model"
      ),
    ]
    for (value, copies, weights) in cases {
      let model = try load(value, stored + copies, weights: weights)
      #expect(
        model.warnings.contains {
          $0.hasPrefix("ema, a list of") && $0.contains("not in order those of one state dict")
        }, "\(model.warnings)")
      #expect {
        try load(value, stored + copies, weights: "ema")
      } throws: {
        "\($0)".contains("ema.copy_to(); torch.save(model.state_dict()")
      }
    }
  }

  @Test("Copies that OpenMMLab's hook keeps under flat names are passed over with a line")
  func hookAverage() throws {
    let stored = try plain()
    let copies = stored.map { tensor in
      let name = "ema_" + tensor.name.replacing(".", with: "_")
      return Stored(
        name: name, pickle: Self.zeros(name, like: tensor, in: Self.network), count: tensor.count,
        data: [UInt8](repeating: 0, count: tensor.data.count))
    }
    let model = try load(
      .dictionary([("state_dict", dictionary(stored + copies))]), stored + copies)
    try check(model)
    #expect(
      model.warnings.contains {
        $0.hasPrefix("\(copies.count) tensors of OpenMMLab's EMAHook (ema_…) are passed over")
      }, "\(model.warnings)")
  }

  @Test("The same tensors under two names are one network")
  func alias() throws {
    let stored = try plain()
    try check(
      load(
        .dictionary([("model", dictionary(stored)), ("state_dict", dictionary(stored))]), stored))
  }

  @Test("A network under two names of one dictionary is found under either, and needs none")
  func aliasWithin() throws {
    let stored = try plain()
    let twice = ["a", "b"].flatMap { part in stored.map { ("\(part).\($0.name)", $0.pickle) } }
    for weights in [nil, "a", "b"] {
      let model = try load(.dictionary(twice), stored, weights: weights)
      try check(model)
      #expect(model.warnings.isEmpty, "\(model.warnings)")
    }
    let nested = PickleBytes.dictionary(
      [("model", dictionary(stored)), ("ema", dictionary(stored))])
    try check(load(nested, stored, weights: "ema"))
    #expect {
      _ = try load(.dictionary(twice), stored, weights: "c")
    } throws: { "\($0)".contains("no weights \"c\", it has a, b") }
    // What belongs to neither is still told.
    let further = Stored(
      name: "c.weight", pickle: .tensor(.storage("c.weight", count: 4), [4], [1]), count: 4,
      data: [UInt8](repeating: 0, count: 16))
    #expect {
      _ = try load(
        .dictionary(twice + [("c.weight", further.pickle)]), stored + [further])
    } throws: { "\($0)".contains("c.weight") && "\($0)".contains("is not read as part") }
  }

  @Test("All names of several networks are told, of those that share their tensors too")
  func aliasAmongSeveral() throws {
    let stored = try plain()
    let others = try plain().map { tensor in
      Stored(
        name: "other.\(tensor.name)", pickle: tensor.pickle, count: tensor.count, data: tensor.data)
    }
    let shapes = try SmallNetworks.tensors(of: Self.network)
    var items = ["a", "b"].flatMap { part in stored.map { ("\(part).\($0.name)", $0.pickle) } }
    for (tensor, other) in zip(stored, others) {
      let shape = shapes[tensor.name]?.shape ?? []
      items.append(
        (
          "c.\(tensor.name)",
          .tensor(.storage(other.name, count: Int(other.count)), shape, Self.strides(shape))
        ))
    }
    #expect {
      _ = try load(.dictionary(items), stored + others)
    } throws: { "\($0)".contains("holds several networks: a, c, b; choose one") }
    for weights in ["a", "b", "c"] {
      try check(load(.dictionary(items), stored + others, weights: weights))
    }
  }

  @Test("The counter of AveragedModel is passed over with a line")
  func averaged() throws {
    let stored = try plain()
    let counter = PickleBytes.tensor(.storage("n", "LongStorage", count: 1), [], [])
    let value = PickleBytes.dictionary(
      [("n_averaged", counter)] + stored.map { ("module.\($0.name)", $0.pickle) })
    let number = Stored(
      name: "n", pickle: counter, count: 1, data: PickleBytes.little(Int64(7)).bytes)
    let model = try load(value, stored + [number])
    try check(model)
    #expect(model.warnings == ["1 tensor with a single integer is passed over (n_averaged)"])
  }
}
