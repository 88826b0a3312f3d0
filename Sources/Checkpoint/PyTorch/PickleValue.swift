/// A value on a pickle's stack. All are small: texts are places in the file, and what has parts is an index into the
/// lists of its `Pickle`, so that cycles and deep nesting are harmless to copy, to drop and to look at.
enum PickleValue {
  case none
  case bool(Bool)
  case integer(Int)
  /// An integer that does not fit into an `Int`, by its two's complement, little-endian.
  case bigInteger(Range<Int>)
  case float(Double)
  /// Text as it stands in the file; whether it is UTF-8 is seen when it is read.
  case text(Range<Int>)
  case bytes(Range<Int>)
  /// Indices into `Pickle.containers`.
  case list(Int)
  case tuple(Int)
  /// Keys and values by turns, in the order in which they were set; a later key wins.
  case dictionary(Int)
  case global(PickleGlobal)
  /// An index into `Pickle.storages`.
  case storage(Int)
  /// An index into `Pickle.tensors`.
  case tensor(Int)
}
