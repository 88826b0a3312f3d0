/// What a name in a pickle means here. Nothing is ever looked up, imported or called.
enum PickleGlobal: Hashable {
  case orderedDictionary
  /// `torch._utils._rebuild_tensor(storage, offset, size, stride)`
  case rebuildTensor
  /// The same, followed by `requires_grad`, hooks and sometimes metadata, of which `neg` and `conj` matter
  /// here.
  case rebuildTensorV2
  /// `torch._utils._rebuild_parameter(tensor, requires_grad, hooks)`, also with a state.
  case rebuildParameter
  /// `torch._tensor._rebuild_from_type_v2(function, class, arguments, state)`: a tensor with
  /// attributes, or of a subclass.
  case rebuildFromType
  /// `torch.FloatStorage` and the like: the element type of a storage.
  case storage(ElementType)
  /// Any other name: an index into `Pickle.classes`. What is made with it is a placeholder.
  case other(Int)

  /// Returns nil for every other name.
  init?(module: String, name: String) {
    switch (module, name) {
    case ("collections", "OrderedDict"): self = .orderedDictionary
    case ("torch._utils", "_rebuild_tensor"): self = .rebuildTensor
    case ("torch._utils", "_rebuild_tensor_v2"): self = .rebuildTensorV2
    case ("torch._utils", "_rebuild_parameter"), ("torch._utils", "_rebuild_parameter_with_state"):
      self = .rebuildParameter
    case ("torch._tensor", "_rebuild_from_type_v2"): self = .rebuildFromType
    case ("torch", _):
      guard let type = Self.storages[name] else { return nil }
      self = .storage(type)
    default: return nil
    }
  }

  private static let storages: [String: ElementType] = [
    "FloatStorage": .float32, "DoubleStorage": .float64, "HalfStorage": .float16,
    "BFloat16Storage": .bfloat16, "LongStorage": .int64, "IntStorage": .int32,
    "ShortStorage": .int16, "CharStorage": .int8, "ByteStorage": .uint8, "BoolStorage": .bool,
  ]

  /// Bytes of an element of storages whose numbers are not read, by class; in the older form they
  /// lie before others that are.
  static let unreadStorages = [
    "torch.ComplexFloatStorage": 8, "torch.ComplexDoubleStorage": 16, "torch.QInt8Storage": 1,
    "torch.QUInt8Storage": 1, "torch.QInt32Storage": 4, "torch.storage.UntypedStorage": 1,
  ]

  /// Classes whose objects hold the numbers of a plain tensor and nothing else that matters.
  static let plainTensors: Set<String> = [
    "torch.Tensor", "torch.nn.parameter.Parameter", "torch.nn.parameter.Buffer",
  ]

  /// Functions that make an object of the class that is their first argument.
  static let makers: Set<String> = [
    "copyreg._reconstructor", "copy_reg._reconstructor", "copyreg.__newobj__",
    "numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct",
  ]

  /// Returns whether a name is there to run a program or code where Python loads the pickle, which
  /// no network's file needs.
  static func runsCode(module: String, name: String) -> Bool {
    switch module {
    case "os", "posix", "nt", "subprocess", "pty", "runpy", "commands", "shutil", "socket",
      "ctypes", "importlib", "webbrowser", "pip", "sys", "timeit", "code", "pdb", "bdb",
      "cProfile", "profile":
      true
    case "builtins", "__builtin__":
      ["eval", "exec", "execfile", "compile", "__import__", "open", "file", "input"].contains(name)
    default: ["os.", "subprocess.", "importlib.", "ctypes."].contains { module.hasPrefix($0) }
    }
  }
}
