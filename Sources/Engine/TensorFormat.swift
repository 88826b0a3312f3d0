/// What the numbers of a tensor are and what they stand for.
struct TensorFormat: Sendable, Equatable {
  var number: Number
  /// A number times this is the value; 1 but for integers.
  var scale: Float = 1

  var isQuantized: Bool { number.largest != nil }
  /// Of the weights that meet such activations.
  var weightNumber: Number { isQuantized ? .s8 : number }

  static let fp32 = TensorFormat(number: .fp32)
  static let bf16 = TensorFormat(number: .bf16)
}
