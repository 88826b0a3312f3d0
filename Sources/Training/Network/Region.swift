import CKernels
import Engine

/// Numbers somewhere in memory, which it keeps alive.
@safe
struct Region {
  let memory: AlignedMemory
  /// Bytes before the first number.
  let offset: Int
  let byteCount: Int

  init(_ memory: AlignedMemory, offset: Int, byteCount: Int) {
    precondition(
      offset >= 0 && byteCount >= 0 && offset + byteCount <= memory.byteCount,
      "a region must lie inside its memory")
    self.memory = memory
    self.offset = offset
    self.byteCount = byteCount
  }

  /// Takes memory of its own, filled with zeros.
  init(floatCount: Int, for purpose: String) throws(EngineError) {
    let memory = try AlignedMemory(
      byteCount: max(1, floatCount) * MemoryLayout<Float>.stride, for: purpose,
      prefersHugePages: true)
    self.init(memory, offset: 0, byteCount: floatCount * MemoryLayout<Float>.stride)
    clear()
  }

  var address: UnsafeMutableRawPointer { unsafe memory.base + offset }
  // SAFETY: nothing but numbers of this type is ever stored in the region.
  var floats: UnsafeMutablePointer<Float> {
    unsafe address.assumingMemoryBound(to: Float.self)
  }
  var numbers: UnsafePointer<Float> { unsafe UnsafePointer(floats) }
  var doubles: UnsafeMutablePointer<Double> {
    unsafe address.assumingMemoryBound(to: Double.self)
  }
  var floatCount: Int { byteCount / MemoryLayout<Float>.stride }

  /// The address, for what only reads.
  var bytes: UnsafeRawPointer { unsafe UnsafeRawPointer(address) }

  /// Returns `count` floats after the first `index`.
  func floats(at index: Int, count: Int) -> Region {
    let size = MemoryLayout<Float>.stride
    precondition(index >= 0 && (index + count) * size <= byteCount, "a part must lie inside")
    return Region(memory, offset: offset + index * size, byteCount: count * size)
  }

  /// Returns `count` bytes after the first `offset`.
  func bytes(at start: Int, count: Int) -> Region {
    Region(memory, offset: offset + start, byteCount: count)
  }

  /// Returns part `index` of equal ones of `byteCount` each.
  func part(_ index: Int, byteCount size: Int) -> Region {
    precondition((index + 1) * size <= byteCount, "a part must lie inside")
    return Region(memory, offset: offset + index * size, byteCount: size)
  }

  /// Makes all numbers from a byte on zero.
  func clear(fromByte start: Int = 0) {
    unsafe address.advanced(by: start).initializeMemory(
      as: UInt8.self, repeating: 0, count: byteCount - start)
  }

  func copy(_ other: Region) {
    precondition(other.byteCount == byteCount, "only regions of one size can be copied")
    unsafe address.copyMemory(from: other.address, byteCount: byteCount)
  }

  subscript(index: Int) -> Float {
    get {
      precondition(index < floatCount, "an index must lie inside")
      return unsafe floats[index]
    }
    nonmutating set {
      precondition(index < floatCount, "an index must lie inside")
      unsafe floats[index] = newValue
    }
  }

  /// Returns a copy of the numbers.
  var values: [Float] { unsafe Array(UnsafeBufferPointer(start: floats, count: floatCount)) }

  func write(_ numbers: Span<Float>) {
    precondition(numbers.count == floatCount, "a region takes exactly as many numbers as it has")
    for index in numbers.indices { unsafe floats[index] = numbers[index] }
  }

  /// Writes numbers, rounded to bf16 where they are to be that, and zeros after them.
  func write(_ numbers: Span<Float>, as number: Number) {
    let end = numbers.count * number.byteCount
    precondition(end <= byteCount, "a region takes at most as many numbers as it has")
    if number == .bf16 {
      let halves = unsafe address.assumingMemoryBound(to: UInt16.self)
      for index in numbers.indices { unsafe halves[index] = training_bfloat16(numbers[index]) }
    } else {
      part(0, byteCount: end).write(numbers)
    }
    clear(fromByte: end)
  }
}
