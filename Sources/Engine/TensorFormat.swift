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
