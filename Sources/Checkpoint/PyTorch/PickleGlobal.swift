/// The only names that a pickle may refer to. Nothing is ever looked up or called: a name is one of these or refused.
enum PickleGlobal: Hashable {
  case orderedDictionary
  /// `torch._utils._rebuild_tensor(storage, offset, size, stride)`
  case rebuildTensor
  /// As before, with `requires_grad`, hooks and at times metadata behind it, none of which matters here.
  case rebuildTensorV2
  /// `torch._utils._rebuild_parameter(tensor, requires_grad, hooks)`
  case rebuildParameter
  /// `torch.FloatStorage` and its like: the element type of a storage.
  case storage(ElementType)

  /// Nil for every other name.
  init?(module: String, name: String) {
    switch (module, name) {
    case ("collections", "OrderedDict"): self = .orderedDictionary
    case ("torch._utils", "_rebuild_tensor"): self = .rebuildTensor
    case ("torch._utils", "_rebuild_tensor_v2"): self = .rebuildTensorV2
    case ("torch._utils", "_rebuild_parameter"): self = .rebuildParameter
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
}
