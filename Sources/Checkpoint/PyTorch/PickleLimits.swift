/// Limits on what a pickle may ask for. ResNet-1202 with its optimiser takes 2 MB and 500,000
/// opcodes.
///
/// A value takes 24 bytes, an empty container 8. With these limits no pickle takes more than some
/// 200 MB, and one of n bytes no more than some hundred times n.
enum PickleLimits {
  /// Bytes without the contents of strings, which stay in the file.
  static let byteCount = 32 << 20
  static let opcodeCount = 4_000_000
  static let stackDepth = 1_000_000
  /// Marks that are open at once, for containers inside containers.
  static let nesting = 512
  static let memoEntryCount = 1_000_000
  static let containerCount = 1_000_000
  /// Values in all containers together.
  static let elementCount = 4_000_000
  /// Objects of unknown classes, and the names of these.
  static let objectCount = 1_000_000
  static let classCount = 4096
  static let tensorCount = SafetensorsLimits.tensorCount
  /// Values of NumPy: an array has at most a type of its own.
  static let numPyCount = 2 * tensorCount
  /// Bytes of the code of an element type of NumPy.
  static let numPyCodeByteCount = 15
  /// Bytes of one string, which may be the numbers of an array.
  static let stringByteCount = 1 << 30
  /// Bytes of one integer.
  static let integerByteCount = 16 << 20
  /// Bytes of the name of a tensor, a module or a global.
  static let nameByteCount = SafetensorsLimits.nameByteCount
  /// Bytes of the name of a storage.
  static let keyByteCount = 64
  /// Dictionaries around the state dict, and around a module's tensors where each module has one.
  static let wrapperCount = 6
  /// Dictionaries in which state dicts are looked for, and the tensors in all that have any.
  static let searchedCount = 65_536
  static let namedTensorCount = 4 * tensorCount
  /// Multiple of the file's bytes that all tensors may take, because tensors may share a storage.
  static let sharing = 4
  /// Bytes that tensors may take in addition, for small files.
  static let sharedByteAllowance = 1 << 20
}
