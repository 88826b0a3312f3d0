import CKernels
import Engine
import Numbers
import Testing

/// Passes over activations in bf16, which must give the bits of those in fp32 on the same numbers,
/// rounded at the end.
@Suite struct NarrowKernelTests {
  static let rows = 37

  /// A block of numbers in both types, between zeros that must remain.
  private struct Numbers {
    var wide: [Float]
    var narrow: [UInt16]

    init(_ name: String, count: Int) {
      narrow = ReproducibleNumbers(name).values(count: count, from: -2, to: 2).map(
        training_bfloat16)
      wide = narrow.map(Self.widened)
    }

    static func widened(_ half: UInt16) -> Float { Float(bitPattern: UInt32(half) << 16) }

    var isRounded: Bool { narrow == wide.map(training_bfloat16) }
  }

  @Test(
    "Sums of scaled activations", arguments: KernelInstructions.available, [3, 16, 37, 64])
  func combination(instructions: KernelInstructions, channels: Int) {
    let count = Self.rows * channels
    let source = Numbers("source", count: count)
    let addend = Numbers("addend", count: count)
    let scale = ReproducibleNumbers("scale").values(count: channels, from: -1, to: 1)
    let shift = ReproducibleNumbers("shift").values(count: channels, from: -1, to: 1)
    for form in 0..<16 {
      var result = Numbers("result", count: count)
      // SAFETY: the kernels read and write no more than rows times channels.
      unsafe scale.withUnsafeBufferPointer { scale in
        unsafe shift.withUnsafeBufferPointer { shift in
          func combine(
            _ source: UnsafeRawPointer, _ addend: UnsafeRawPointer,
            _ result: UnsafeMutableRawPointer, bfloat16: Bool
          ) {
            var pass = unsafe training_combination(
              rows: Int64(Self.rows), channels: Int64(channels), bfloat16: bfloat16,
              source: source, scale: form & 1 == 0 ? nil : scale.baseAddress,
              shift: form & 1 == 0 ? nil : shift.baseAddress,
              addend: form & 2 == 0 ? nil : addend,
              addend_scale: form & 4 == 0 ? nil : scale.baseAddress, rectifies: form & 8 != 0,
              destination: result)
            unsafe training_combine(instructions.number, &pass)
          }
          unsafe combine(source.wide, addend.wide, &result.wide, bfloat16: false)
          unsafe combine(source.narrow, addend.narrow, &result.narrow, bfloat16: true)
        }
      }
      #expect(result.isRounded, "form \(form)")
    }
  }

  @Test("Sums for statistics", arguments: KernelInstructions.available, [3, 16, 37, 64])
  func statistics(instructions: KernelInstructions, channels: Int) {
    let values = Numbers("values", count: Self.rows * channels)
    var (sums, squares) = (Array(repeating: 0.0, count: channels), [Double]())
    squares = sums
    var narrow = (sums: sums, squares: sums)
    unsafe training_sum(
      instructions.number, Int64(Self.rows), Int64(channels), false, values.wide, &sums, &squares)
    unsafe training_sum(
      instructions.number, Int64(Self.rows), Int64(channels), true, values.narrow, &narrow.sums,
      &narrow.squares)
    #expect(sums == narrow.sums && squares == narrow.squares)
    let expected = stride(from: 0, to: values.wide.count, by: channels).reduce(0.0) {
      $0 + Double(values.wide[$1])
    }
    #expect(abs(sums[0] - expected) < 1e-9)
  }

  @Test("Gradients before ReLU", arguments: KernelInstructions.available, [3, 16, 37, 64])
  func rectification(instructions: KernelInstructions, channels: Int) {
    let count = Self.rows * channels
    let (result, values) = (Numbers("result", count: count), Numbers("values", count: count))
    let scale = ReproducibleNumbers("scale").values(count: channels, from: -1, to: 1)
    for byResult in [true, false] {
      var gradient = Numbers("gradient", count: count)
      func sums(
        _ gradient: UnsafeMutableRawPointer, _ result: UnsafeRawPointer,
        _ values: UnsafeRawPointer, bfloat16: Bool
      ) -> [Double] {
        var sums = Array(repeating: 0.0, count: 2 * channels)
        // SAFETY: the kernels read and write no more than rows times channels.
        unsafe scale.withUnsafeBufferPointer { scale in
          unsafe sums.withUnsafeMutableBufferPointer { sums in
            var pass = unsafe training_rectification(
              rows: Int64(Self.rows), channels: Int64(channels), bfloat16: bfloat16,
              gradient: gradient, result: byResult ? result : nil,
              scale: byResult ? nil : scale.baseAddress,
              shift: byResult ? nil : scale.baseAddress, term_count: 1, values: (values, nil),
              means: (scale.baseAddress, nil), sums: sums.baseAddress,
              products: (sums.baseAddress.map { unsafe $0 + channels }, nil))
            unsafe training_rectify(instructions.number, &pass)
          }
        }
        return sums
      }
      let wide = unsafe sums(&gradient.wide, result.wide, values.wide, bfloat16: false)
      let narrow = unsafe sums(&gradient.narrow, result.narrow, values.narrow, bfloat16: true)
      #expect(gradient.isRounded && wide == narrow)
    }
  }

  @Test("Pooling and its gradient", arguments: KernelInstructions.available, [3, 16, 37])
  func pooling(instructions: KernelInstructions, channels: Int) {
    for isMaximum in [true, false] {
      var pass = training_pooling(
        images: 2, channels: Int64(channels), input_height: 7, input_width: 6, output_height: 4,
        output_width: 3, window_height: 3, window_width: 3, stride_height: 2, stride_width: 2,
        padding_top: 1, padding_left: 1, is_maximum: isMaximum, counts_padding: false,
        bfloat16: false)
      let (inputs, outputs) = (2 * 7 * 6 * channels, 2 * 4 * 3 * channels)
      let source = Numbers("source", count: inputs)
      var result = Numbers("result", count: outputs)
      let gradient = Numbers("gradient", count: outputs)
      var back = Numbers("back", count: inputs)
      var choices = Array(repeating: UInt8(0), count: outputs)
      unsafe training_pool(instructions.number, &pass, source.wide, &result.wide, &choices)
      unsafe training_pool_back(
        instructions.number, &pass, gradient.wide, choices, &back.wide)
      var narrow = choices
      pass.bfloat16 = true
      unsafe training_pool(instructions.number, &pass, source.narrow, &result.narrow, &narrow)
      unsafe training_pool_back(
        instructions.number, &pass, gradient.narrow, narrow, &back.narrow)
      #expect(result.isRounded && back.isRounded && choices == narrow)
      let given = gradient.wide.reduce(0.0) { $0 + Double($1) }
      let received = back.wide.reduce(0.0) { $0 + Double($1) }
      #expect(abs(given - received) < 1e-4, "what windows give, pixels receive")
    }
  }
}
