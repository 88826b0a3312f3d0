/// Bounds of what a safetensors header may ask for. All are far above what networks of the family need: ResNet-1202
/// has about 7,200 tensors with names below 40 bytes and a header of 1 MB.
enum SafetensorsLimits {
  static let headerByteCount = 16 << 20
  static let tensorCount = 65_536
  /// UTF-8 bytes of a tensor's name or a metadata key.
  static let nameByteCount = 256
  static let rank = 8
  static let metadataEntryCount = 256
  /// Braces, brackets and commas outside of strings: bounds the parser's memory, of which `{}` or `[]` takes a
  /// hundred times its length. A tensor of full rank needs fifteen.
  static let structureByteCount = 16 * tensorCount
  /// The file, its tensors, their shapes.
  static let nesting = 3
}
