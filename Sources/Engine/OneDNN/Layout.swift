import COneDNN

/// The dimensions of a tensor and the order of its numbers in memory.
@safe
final class Layout: Sendable, Equatable {
  // SAFETY: the object is immutable and freed once, when nothing refers to it.
  nonisolated(unsafe) let pointer: OpaquePointer

  /// Takes the object over.
  init(taking pointer: OpaquePointer) { unsafe self.pointer = pointer }

  /// Row-major, of rank 1 to 5.
  convenience init(
    rowMajor dimensions: [Int], _ number: Number = .fp32
  ) throws(EngineError) {
    let dimensions = dimensions.map(Int64.init)
    unsafe self.init(
      taking: try unsafe OneDNN.make {
        unsafe onednn_layout_create(dimensions, CInt(dimensions.count), number.code, $0, $1)
      })
  }

  /// Of activations `[N, C, H, W]` with all channels beside each other.
  convenience init(channelsLast dimensions: [Int], _ number: Number = .fp32) throws(EngineError) {
    try self.init(blocked: dimensions, by: 0, number)
  }

  /// Of activations `[N, C, H, W]` with `block` channels, 8 or 16, beside each other; 0 means all.
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

  /// The same order of other numbers.
  func recast(_ number: Number) throws(EngineError) -> Layout {
    unsafe Layout(
      taking: try unsafe OneDNN.make {
        unsafe onednn_layout_recast(pointer, number.code, $0, $1)
      })
  }

  /// Channels of activations `[N, C, H, W]` where they lie among the others; in blocks of channels only whole blocks.
  func channels(_ range: Range<Int>) throws(EngineError) -> Layout {
    unsafe Layout(
      taking: try unsafe OneDNN.make {
        unsafe onednn_layout_channels(pointer, Int64(range.lowerBound), Int64(range.count), $0, $1)
      })
  }

  /// With the padding of blocked layouts.
  var byteCount: Int { unsafe onednn_layout_byte_count(pointer) }

  static func == (a: Layout, b: Layout) -> Bool {
    unsafe onednn_layout_equal(a.pointer, b.pointer)
  }
}

/// What the numbers of a tensor are and what they stand for.
struct TensorFormat: Sendable, Equatable {
  var number: Number
  /// A number, less the zero point, times this is the value; 1 but for integers.
  var scale: Float = 1
  /// The integer that stands for zero, which it is but for a network's input.
  var zeroPoint: Int32 = 0

  var isQuantized: Bool { number.largest != nil }
  /// Of the weights that meet such activations.
  var weightNumber: Number { isQuantized ? .s8 : number }

  static let fp32 = TensorFormat(number: .fp32)
  static let bf16 = TensorFormat(number: .bf16)
}
