import Checkpoint
import HostileFiles
import ResNet
import Testing

/// Checkpoints that hold more than tensors: nothing of it is made, and none of it is in the way.
@Suite struct PickleExtrasTests {
  private static let labels = ModelOptions(labels: ["a", "b", "c"])

  private func numbers(_ name: String) throws -> [String: [Float]] {
    let model = try Model.load(path: Fixtures.path(name), options: Self.labels)
    return Dictionary(
      uniqueKeysWithValues: model.weights.names.map { ($0, model.weights[$0]?.values ?? []) })
  }

  private func failure(_ load: () throws -> Model) -> String {
    do {
      _ = try load()
      return "it passed"
    } catch {
      return "\(error)"
    }
  }

  @Test(
    "Objects of any class beside the state dict are passed over",
    arguments: ["multistep.pth", "extras.pth", "extras-stream.pth", "attributes.pth", "array.pth"])
  func extras(name: String) throws {
    #expect(try numbers(name) == numbers("zip.pth"))
  }

  @Test(
    "An object where the network needs a tensor is named with its class",
    arguments: [
      ("subclass.pth", "fc.bias", "a trainer.Scaled"),
      ("quantized.pth", "fc.weight", "a torch._utils._rebuild_qtensor"),
    ])
  func placeholders(file: String, tensor: String, found: String) {
    let reason = failure { try Model.load(path: Fixtures.path(file), options: Self.labels) }
    #expect(reason.hasPrefix("tensor \(tensor) (byte "), "\(reason)")
    #expect(reason.contains("it is \(found), of which the numbers cannot be read"), "\(reason)")
  }

  @Test("A network that PyTorch has quantised is sent back to before it was")
  func quantized() {
    let quantized = PickleBytes.of(
      .global("torch._utils", "_rebuild_qtensor"), .tuple([.text("id")]), .code("R"))
    let packed = PickleBytes.tuple([.text("weight"), .text("bias")])
    let bytes = PickleBytes.stream(
      PickleBytes.dictionary([
        ("conv1.weight", quantized), ("conv1.scale", .tensor(.storage("s", count: 1), [], [])),
        ("fc._packed_params._packed_params", packed),
        ("conv1.zero_point", .tensor(.storage("z", "LongStorage", count: 1), [], [])),
      ]).pickle(),
      storages: [
        ("s", 1, PickleBytes.little(Float(1).bitPattern).bytes),
        ("z", 1, PickleBytes.little(Int64(0)).bytes),
      ])
    let reason = failure { try Model.load(bytes: bytes, fileName: "model.pth") }
    #expect(
      reason.contains("quantised by PyTorch") && reason.contains("before it is quantised"),
      "\(reason)")
  }

  @Test("A whole object in place of a state dict is named, with the way to a state dict")
  func whole() {
    let alone = failure { try Model.load(path: Fixtures.path("whole.pth")) }
    #expect(alone.contains("a whole object, torch.nn.modules.container.Sequential"), "\(alone)")
    #expect(alone.contains("state_dict()"), "\(alone)")
    let nested = failure { try Model.load(path: Fixtures.path("whole-stream.pth")) }
    #expect(nested.contains("model is a torch.nn.modules.container.Sequential"), "\(nested)")
    #expect(nested.contains("weights_only=False)[\"model\"].state_dict()"), "\(nested)")
  }

  @Test("Tensors on the device meta are told, which have no numbers")
  func withoutNumbers() {
    let value = PickleBytes.dictionary([
      (
        "fc.weight",
        .of(.global("torch._utils", "_rebuild_meta_tensor_no_storage"), .tuple([]), .code("R"))
      )
    ])
    let bytes = PickleBytes.stream(value.pickle(), storages: [])
    let reason = failure { try Model.load(bytes: bytes, fileName: "model.pth") }
    #expect(reason.contains("tensors on the device meta"), "\(reason)")
  }

  @Test("Files of a distributed checkpoint say how to make one file of it")
  func distributedCheckpoint() {
    let metadata = PickleBytes.of(
      .global("torch.distributed.checkpoint.metadata", "Metadata"), .tuple([]), .code("R"))
    for name in [".metadata", "__0_0.distcp"] {
      let reason = failure { try Model.load(bytes: metadata.pickle(), fileName: name) }
      #expect(reason.contains("dcp_to_torch_save"), "\(reason)")
    }
  }

  @Test("An exported learner of fastai is named, with the way to its model's state dict")
  func learner() {
    let object = PickleBytes.of(
      .global("fastai.learner", "Learner"), .tuple([.text("id")]), .code("R"))
    let bytes = PickleBytes.stream(object.pickle(), storages: [])
    let reason = failure { try Model.load(bytes: bytes, fileName: "export.pkl") }
    #expect(reason.contains("a whole object, fastai.learner.Learner; of a learner"), "\(reason)")
    #expect(reason.contains("load_learner(\"export.pkl\").model.state_dict()"), "\(reason)")
  }

  private func stream(_ extra: PickleBytes, key: PickleBytes = .text("extra")) throws -> [UInt8] {
    let tensors = try SmallNetworks.tensors(of: SmallNetworks.basic).sorted { $0.key < $1.key }
    let state = PickleBytes.dictionary(
      tensors.map { name, tensor in
        let strides = tensor.shape.indices.map { tensor.shape[($0 + 1)...].reduce(1, *) }
        return (name, .tensor(.storage(name, count: tensor.elementCount), tensor.shape, strides))
      })
    let value = PickleBytes.of(
      .code("}("), key, extra, .text("state_dict"), state, .code("u"))
    return PickleBytes.stream(
      value.pickle(),
      storages: tensors.map { name, tensor in
        (
          name, Int64(tensor.elementCount),
          tensor.values.flatMap {
            PickleBytes.little($0.bitPattern).bytes
          }
        )
      })
  }

  private static let settings = PickleBytes.global("trainer", "Settings")

  private static let objects: [(String, PickleBytes)] = [
    ("REDUCE", .of(settings, .code(")R"))), ("NEWOBJ", .of(settings, .code(")"), .raw(0x81))),
    ("NEWOBJ_EX", .of(settings, .code(")}"), .raw(0x92))),
    ("OBJ", .of(.code("("), settings, .text("a"), .code("o"))),
    ("INST", .of(.code("("), .text("a"), .code("itrainer\nSettings\n"))),
    ("BUILD", .of(settings, .code(")R"), .dictionary([("a", .integer(1))]), .code("b"))),
    ("BUILD of a tuple", .of(settings, .code(")R)b"))),
    ("BUILD of a class", .of(settings, .code("}b"))),
    ("SETITEMS", .of(settings, .code(")R("), .text("a"), .integer(1), .code("u"))),
    ("SETITEM twice", .of(settings, .code(")RNNsNNs"))),
    ("APPENDS", .of(settings, .code(")R(NNe"))),
    ("ADDITEMS", .of(settings, .code(")R(N"), .raw(0x90))),
    ("a method's result", .of(settings, .code(")R)R"))),
    ("a class alone", settings), ("Python 2's INT", .code("I4294967296\n")),
    (
      "a lambda's default",
      .of(.global("builtins", "getattr"), settings, .text("x"), .raw(0x86), .code("R"))
    ),
  ]

  @Test("Every opcode that makes an object makes a placeholder", arguments: objects)
  func opcodes(name: String, extra: PickleBytes) throws {
    let model = try Model.load(bytes: try stream(extra), fileName: "x", options: Self.labels)
    #expect(model.architecture == SmallNetworks.basic)
  }

  @Test("The items of a class that is a kind of dictionary are a state dict too")
  func kindsOfDictionaries() throws {
    let tensor = PickleBytes.tensor(.storage("0", count: 1), [1], [1])
    let value = PickleBytes.of(
      .global("collections", "defaultdict"), .code(")R"), .text("conv1.weight"), tensor, .code("s"))
    let bytes = PickleBytes.stream(value.pickle(), storages: [("0", 1, [0, 0, 0, 0])])
    // Found, though it is not a network.
    let reason = failure { try Model.load(bytes: bytes, fileName: "x", options: Self.labels) }
    #expect(reason.contains("shape [1] is not that of a convolution"), "\(reason)")
  }

  @Test("What runs a program where Python loads it is refused, even if nothing needs it")
  func programs() throws {
    let call = PickleBytes.of(
      .global("posix", "system"), .tuple([.text("true")]), .code("R"))
    let reason = failure {
      try Model.load(bytes: try stream(call), fileName: "x", options: Self.labels)
    }
    #expect(reason.hasPrefix("refuses posix.system (byte "), "\(reason)")
  }
}
