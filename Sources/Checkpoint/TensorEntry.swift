/// A tensor as the header of its file declares it.
struct TensorEntry: Sendable, Hashable {
  let name: String
  let type: ElementType
  let shape: [Int]
  /// Its bytes: in the data when the header is read, in the file after `SafetensorsFile` has placed it.
  var range: Range<Int>

  var elementCount: Int { range.count / type.byteCount }
  /// Where its bytes start in the file.
  var offset: Int { range.lowerBound }
}
