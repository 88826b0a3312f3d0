/// A value on a pickle's stack.
///
/// All are small: strings are ranges of the file, and values with parts are indices into the lists
/// of their `Pickle`, so that cycles and deep nesting are harmless to copy, drop and examine.
enum PickleValue {
  case none
  case bool(Bool)
  case integer(Int)
  /// Range of the little-endian two's complement of an integer that does not fit into an `Int`.
  case bigInteger(Range<Int>)
  case float(Double)
  /// Range of a string in the file; whether it is UTF-8 is checked when it is read.
  case text(Range<Int>)
  case bytes(Range<Int>)
  /// Range of a string that stands for bytes, each character for one.
  case latin1(Range<Int>)
  /// Index into `Pickle.containers`.
  case list(Int)
  case tuple(Int)
  /// Index of alternating keys and values, in the order in which they were set; a later key wins.
  case dictionary(Int)
  case global(PickleGlobal)
  /// Index into `Pickle.storages`.
  case storage(Int)
  /// Index into `Pickle.tensors`.
  case tensor(Int)
  /// Placeholder for an object of a class that is not known: an index into `Pickle.objects`.
  case object(Int)
}
