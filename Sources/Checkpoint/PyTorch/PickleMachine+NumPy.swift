/// NumPy's arrays: what a placeholder stands for is noted beside it, nothing is made.
extension PickleMachine {
  private enum Function: String {
    case reconstruct = "_reconstruct"
    case scalar
    case fromBuffer = "_frombuffer"
    case type = "numpy.dtype"
    case encode = "_codecs.encode"

    /// Modules of NumPy 2 and 1.
    private static let modules: [Substring: Set<Substring>] = [
      "numpy._core.multiarray": ["_reconstruct", "scalar"],
      "numpy.core.multiarray": ["_reconstruct", "scalar"],
      "numpy._core.numeric": ["_frombuffer"], "numpy.core.numeric": ["_frombuffer"],
    ]

    init?(_ name: String) {
      if name == Self.type.rawValue || name == Self.encode.rawValue {
        self.init(rawValue: name)
        return
      }
      guard name.hasPrefix("numpy."), let dot = name.lastIndex(of: ".") else { return nil }
      let last = name[name.index(after: dot)...]
      guard Self.modules[name[..<dot]]?.contains(last) == true else { return nil }
      self.init(rawValue: String(last))
    }
  }

  /// Returns the bytes that `_codecs.encode(string, "latin1")` stands for, or nil for other calls.
  func encodedBytes(_ callee: Int, _ arguments: [PickleValue]) -> PickleValue? {
    guard arguments.count == 2, Function(pickle.classes[callee]) == .encode,
      case .text(let range) = arguments[0], pickle.text(arguments[1]) == "latin1"
    else { return nil }
    return .latin1(range)
  }

  /// Notes what a call makes, for the placeholder that it became.
  mutating func noteNumPy(_ callee: Int, _ arguments: [PickleValue], _ made: PickleValue) {
    guard case .object(let object) = made, let function = Function(pickle.classes[callee]),
      // Beyond the limit they stay plain placeholders.
      pickle.numPy.count < PickleLimits.numPyCount
    else { return }
    switch function {
    case .type:
      guard arguments.count == 3, let code = pickle.text(arguments[0]),
        code.utf8.count <= PickleLimits.numPyCodeByteCount
      else { return }
      pickle.numPy[object] = .type(code: code, order: nil)
    case .reconstruct:
      guard arguments.count == 3, pickle.className(arguments[0]) == "numpy.ndarray",
        case .global = arguments[0], integers(arguments[1]) == [0]
      else { return }
      pickle.numPy[object] = .emptyArray
    case .scalar:
      guard arguments.count == 2 else { return }
      pickle.numPy[object] = array(arguments[0], shape: [], arguments[1], isFortran: false)
    case .fromBuffer:
      guard arguments.count == 4, let order = pickle.text(arguments[3]) else {
        pickle.numPy[object] = .unreadable("in a form that is not known")
        return
      }
      guard order == "C" || order == "F" else {
        pickle.numPy[object] = .unreadable("in the order \(order.prefix(4)), C and F are read")
        return
      }
      pickle.numPy[object] = array(
        arguments[1], shape: integers(arguments[2]), arguments[0], isFortran: order == "F")
    case .encode: break
    }
  }

  /// Notes the state that BUILD sets in a placeholder.
  mutating func buildNumPy(_ object: Int, _ state: PickleValue) {
    guard let value = pickle.numPy[object] else { return }
    let parts = pickle.tuple(state) ?? []
    switch value {
    case .type(let code, order: nil):
      guard parts.count >= 8, let order = pickle.text(parts[1]), order.utf8.count == 1,
        case .none = parts[2], case .none = parts[3], case .none = parts[4]
      else {
        pickle.numPy[object] = nil
        return
      }
      pickle.numPy[object] = .type(code: code, order: order)
    case .emptyArray:
      guard parts.count == 5, case .integer(1) = parts[0] else {
        pickle.numPy[object] = .unreadable("in a form that is not known")
        return
      }
      let isFortran: Bool
      switch parts[3] {
      case .bool(let flag): isFortran = flag
      // As Python 2 writes booleans.
      case .integer(let flag): isFortran = flag != 0
      default:
        pickle.numPy[object] = .unreadable("in a form that is not known")
        return
      }
      pickle.numPy[object] = array(
        parts[2], shape: integers(parts[1]), parts[4], isFortran: isFortran)
    // A second state, which NumPy does not write.
    default: pickle.numPy[object] = nil
    }
  }

  /// Describes an array; its numbers are looked at when a network needs them.
  private func array(
    _ type: PickleValue, shape: [Int]?, _ data: PickleValue, isFortran: Bool
  ) -> NumPyValue {
    guard case .object(let index) = type, case .type(let code, let order?) = pickle.numPy[index]
    else { return .unreadable("of an element type that is not known") }
    guard let type = NumPyArray.types[code], order == "<" || order == "=" || order == "|" else {
      let shown = Self.shown((order == "|" ? "" : order) + code)
      let reason = order == ">" ? ", whose numbers are big-endian" : ""
      return .unreadable(
        "of type \(shown)\(reason); little-endian float16, float32 and float64 are read")
    }
    guard let shape, shape.count <= SafetensorsLimits.rank, shape.allSatisfy({ $0 >= 0 }),
      let byteCount = Self.byteCount(shape, type)
    else {
      return .unreadable("whose shape is not of at most \(SafetensorsLimits.rank) dimensions")
    }
    let range: Range<Int>
    var isLatin1 = false
    switch data {
    // The second as Python 2 writes bytes.
    case .bytes(let found), .text(let found): range = found
    case .latin1(let found): (range, isLatin1) = (found, true)
    default: return .unreadable("whose numbers are not bytes in the pickle")
    }
    // A character of Latin-1 takes one or two bytes.
    guard
      isLatin1
        ? (range.count + 1) / 2 <= byteCount && byteCount <= range.count
        : range.count == byteCount
    else {
      return .unreadable("of \(range.count) bytes, where its shape \(shape) needs \(byteCount)")
    }
    return .array(
      NumPyArray(
        type: type, shape: shape, isFortran: isFortran, range: range, isLatin1: isLatin1))
  }

  private static func byteCount(_ shape: [Int], _ type: ElementType) -> Int? {
    var count = type.byteCount
    for dimension in shape {
      let (product, overflows) = count.multipliedReportingOverflow(by: dimension)
      if overflows { return nil }
      count = product
    }
    return count
  }
}
