/// The only names that a pickle may refer to; any other name is rejected.
///
/// Nothing is ever looked up or called.
enum PickleGlobal: Hashable {
  case orderedDictionary
  /// `torch._utils._rebuild_tensor(storage, offset, size, stride)`
  case rebuildTensor
  /// The same, followed by `requires_grad`, hooks and sometimes metadata, none of which matters
  /// here.
  case rebuildTensorV2
  /// `torch._utils._rebuild_parameter(tensor, requires_grad, hooks)`
  case rebuildParameter
  /// `torch.FloatStorage` and the like: the element type of a storage.
  case storage(ElementType)

  /// Returns nil for every other name.
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
