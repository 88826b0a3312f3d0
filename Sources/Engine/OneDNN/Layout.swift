import COneDNN

/// Dimensions of a tensor and the order of its numbers in memory.
@safe
package final class Layout: Sendable, Equatable {
  // SAFETY: the object is immutable and freed once, when nothing refers to it.
  nonisolated(unsafe) let pointer: OpaquePointer

  /// Takes ownership of the object.
  init(taking pointer: OpaquePointer) { unsafe self.pointer = pointer }

  /// Makes a row-major layout of rank 1 to 5.
  package convenience init(
    rowMajor dimensions: [Int], _ number: Number = .fp32
  ) throws(EngineError) {
    let dimensions = dimensions.map(Int64.init)
    unsafe self.init(
      taking: try unsafe OneDNN.make {
        unsafe onednn_layout_create(dimensions, CInt(dimensions.count), number.code, $0, $1)
      })
  }

  /// Makes a layout whose dimensions have such strides, in numbers.
  package convenience init(
    _ dimensions: [Int], strides: [Int], _ number: Number = .fp32
  ) throws(EngineError) {
    let (dimensions, strides) = (dimensions.map(Int64.init), strides.map(Int64.init))
    unsafe self.init(
      taking: try unsafe OneDNN.make {
        unsafe onednn_strided_layout_create(
          dimensions, strides, CInt(dimensions.count), number.code, $0, $1)
      })
  }

  /// Makes a layout of activations `[N, C, H, W]` with all channels next to each other.
  package convenience init(channelsLast dimensions: [Int], _ number: Number = .fp32)
    throws(EngineError)
  {
    try self.init(blocked: dimensions, by: 0, number)
  }

  /// Makes a layout of activations `[N, C, H, W]` with `block` channels, 8 or 16, next to each
  /// other; 0 means all.
  convenience init(
    blocked dimensions: [Int], by block: Int, _ number: Number = .fp32
  ) throws(EngineError) {
    let dimensions = dimensions.map(Int64.init)
    unsafe self.init(
      taking: try unsafe OneDNN.make {
        unsafe onednn_blocked_layout_create(dimensions, CInt(block), number.code, $0, $1)
      })
  }

  deinit { unsafe onednn_layout_destroy(pointer) }

  /// Returns the same order for another type of numbers.
  func recast(_ number: Number) throws(EngineError) -> Layout {
    unsafe Layout(
      taking: try unsafe OneDNN.make {
        unsafe onednn_layout_recast(pointer, number.code, $0, $1)
      })
  }

  /// Returns the layout of some channels of activations `[N, C, H, W]` in place among the others;
  /// in blocked layouts only whole blocks.
  func channels(_ range: Range<Int>) throws(EngineError) -> Layout {
    unsafe Layout(
      taking: try unsafe OneDNN.make {
        unsafe onednn_layout_channels(pointer, Int64(range.lowerBound), Int64(range.count), $0, $1)
      })
  }

  /// Returns the layout of some rows and columns in place among the others.
  func pixels(rows: Range<Int>, columns: Range<Int>) throws(EngineError) -> Layout {
    unsafe Layout(
      taking: try unsafe OneDNN.make {
        unsafe onednn_layout_pixels(
          pointer, Int64(rows.lowerBound), Int64(columns.lowerBound), Int64(rows.count),
          Int64(columns.count), $0, $1)
      })
  }

  /// Bytes, including the padding of blocked layouts.
  package var byteCount: Int { unsafe onednn_layout_byte_count(pointer) }

  package static func == (a: Layout, b: Layout) -> Bool {
    unsafe onednn_layout_equal(a.pointer, b.pointer)
  }
}

/// Type of a tensor's numbers and the values they stand for.
struct TensorFormat: Sendable, Equatable {
  var number: Number
  /// Factor that makes a number, less the zero point, a value; 1 except for integers.
  var scale: Float = 1
  /// Integer that stands for zero; 0 except for a network's input.
  var zeroPoint: Int32 = 0

  var isQuantized: Bool { number.largest != nil }
  /// Type of the weights that such activations are multiplied by.
  var weightNumber: Number { isQuantized ? .s8 : number }

  static let fp32 = TensorFormat(number: .fp32)
  static let bf16 = TensorFormat(number: .bf16)
}
