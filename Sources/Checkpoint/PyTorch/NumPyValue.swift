/// What a placeholder stands for if it has exactly the form in which NumPy pickles its own values.
///
/// NumPy is neither loaded nor called: the numbers are bytes in the pickle.
///
///     dtype("f4", False, True), BUILD (3, "<", None, None, None, -1, -1, 0)
///     _reconstruct(ndarray, (0,), b"b"), BUILD (1, shape, dtype, in Fortran's order, bytes)
///     _frombuffer(bytes, dtype, shape, "C" or "F")            from protocol 5 on
///     scalar(dtype, bytes)
///     _codecs.encode(string, "latin1")                        bytes, in protocol 2
///
/// Format: `array_reduce` and `array_setstate` in numpy/_core/src/multiarray/methods.c, and
/// `arraydescr_reduce` in descriptor.c.
enum NumPyValue {
  /// An element type by its code, with the byte order that BUILD sets.
  case type(code: String, order: String?)
  /// An array before its BUILD.
  case emptyArray
  case array(NumPyArray)
  /// An array or scalar whose numbers cannot be read; the words continue "an array".
  case unreadable(String)
}

/// An array of NumPy whose numbers lie in the pickle.
struct NumPyArray {
  let type: ElementType
  let shape: [Int]
  /// Whether the first index changes fastest.
  let isFortran: Bool
  /// Range of the numbers in the file.
  let range: Range<Int>
  /// Whether the range is a string with a character for each byte.
  let isLatin1: Bool

  /// Elements from one index to the next, for each dimension.
  var strides: [Int] {
    var strides = [Int](repeating: 1, count: shape.count)
    let axes = Array(isFortran ? Array(shape.indices) : shape.indices.reversed())
    for (axis, next) in zip(axes, axes.dropFirst()) {
      // Cannot overflow if no dimension is zero; if one is, nothing reads the strides.
      strides[next] = strides[axis] &* shape[axis]
    }
    return strides
  }

  /// Element types by NumPy's codes.
  static let types: [String: ElementType] = [
    "f2": .float16, "f4": .float32, "f8": .float64, "b1": .bool, "i1": .int8, "i2": .int16,
    "i4": .int32, "i8": .int64, "u1": .uint8, "u2": .uint16, "u4": .uint32, "u8": .uint64,
  ]
}
