import COneDNN
import Engine
import ResNet

/// Makes the passes of a convolution that oneDNN computes.
struct PassMaker {
  private let shape: ConvolutionShape
  private let device: Device

  init(_ shape: ConvolutionShape, _ device: Device) { (self.shape, self.device) = (shape, device) }

  /// Makes the pass that reads weights as they lie, or else as it wants them.
  func forward(_ layout: Layout?) throws(EngineError) -> ConvolutionPasses.Pass {
    // Weights in bf16 are copies in any case.
    guard let layout, shape.number == .fp32 else { return try make(ONEDNN_FORWARD).pass }
    do throws(EngineError) {
      return .primitive(try primitive(ONEDNN_FORWARD, .fp32, layout))
    } catch .unimplemented {
      return .primitive(try primitive(ONEDNN_FORWARD, .fp32))
    }
  }

  /// Makes a pass, and returns the primitive that is its heart.
  func make(
    _ pass: onednn_pass
  ) throws(EngineError) -> (pass: ConvolutionPasses.Pass, primitive: Primitive) {
    do throws(EngineError) {
      let primitive = try primitive(pass, shape.number)
      return (.primitive(primitive), primitive)
    } catch .unimplemented where shape.number != .fp32 {
      let widened = try widened(pass)
      return (.widened(widened), widened.primitive)
    }
  }

  private func primitive(
    _ pass: onednn_pass, _ number: Number, _ weights: Layout? = nil
  ) throws(EngineError) -> Primitive {
    var attributes = onednn_convolution(
      shape.convolution, batch: shape.images, input: shape.input, output: shape.output)
    attributes.weights_number = number.code
    let givesLogits = shape.givesLogits && pass == ONEDNN_FORWARD
    return try .training(
      device, attributes, pass, source: source(number), weights: weights,
      destination: destination(givesLogits ? .fp32 : number))
  }

  private func source(_ number: Number) throws(EngineError) -> Layout {
    let input = shape.input
    return try Layout(
      channelsLast: [shape.images, input.channels, input.height, input.width], number)
  }

  private func destination(_ number: Number) throws(EngineError) -> Layout {
    let output = shape.output
    return try Layout(
      channelsLast: [shape.images, output.channels, output.height, output.width], number)
  }

  // MARK: In fp32

  private func widened(_ pass: onednn_pass) throws(EngineError) -> WidenedPass {
    let copies =
      switch pass {
      case ONEDNN_FORWARD:
        [try copy(ONEDNN_SOURCE, of: source)]
          + (shape.givesLogits ? [] : [try copy(ONEDNN_DESTINATION, of: destination)])
      case ONEDNN_TO_SOURCE:
        [
          try copy(ONEDNN_DESTINATION_GRADIENT, of: destination),
          try copy(ONEDNN_SOURCE_GRADIENT, of: source),
        ]
      default:
        [
          try copy(ONEDNN_SOURCE, of: source),
          try copy(ONEDNN_DESTINATION_GRADIENT, of: destination),
        ]
      }
    return WidenedPass(primitive: try primitive(pass, .fp32), copies: copies)
  }

  private func copy(
    _ role: onednn_role, of layout: (Number) throws(EngineError) -> Layout
  ) throws(EngineError) -> WidenedPass.Copy {
    let isResult = role == ONEDNN_DESTINATION || role == ONEDNN_SOURCE_GRADIENT
    let (narrow, wide) = (try layout(shape.number), try layout(.fp32))
    return WidenedPass.Copy(
      role: role, isResult: isResult,
      reorder: isResult
        ? try .reorder(device, from: wide, to: narrow)
        : try .reorder(device, from: narrow, to: wide), byteCount: wide.byteCount)
  }
}

/// A pass in fp32 between activations in bf16, where oneDNN has none in bf16.
struct WidenedPass {
  /// Copy in fp32 of an argument.
  struct Copy {
    var role: onednn_role
    var isResult: Bool
    var reorder: Primitive
    var byteCount: Int
  }

  let primitive: Primitive
  let copies: [Copy]

  /// oneDNN's own memory follows the copies.
  var scratchByteCount: Int {
    copies.reduce(primitive.byteCount(of: ONEDNN_SCRATCHPAD)) { $0 + Self.room($1) }
  }

  /// Bytes of a copy, so that what follows it is aligned.
  private static func room(_ copy: Copy) -> Int {
    (copy.byteCount + AlignedMemory.alignment - 1) / AlignedMemory.alignment
      * AlignedMemory.alignment
  }

  func run(
    _ device: Device, _ stream: Stream, _ regions: [(role: onednn_role, region: Region)],
    scratch: Region
  ) throws(EngineError) {
    var (regions, offset) = (regions, 0)
    var results: [(reorder: Primitive, from: Region, to: Region)] = []
    for copy in copies {
      guard let place = regions.firstIndex(where: { $0.role == copy.role }) else { continue }
      let narrow = regions[place].region
      let wide = scratch.bytes(at: offset, count: copy.byteCount)
      offset += Self.room(copy)
      if copy.isResult {
        results.append((copy.reorder, wide, narrow))
      } else {
        try copy.reorder.run(
          device, stream, [(ONEDNN_SOURCE, narrow), (ONEDNN_DESTINATION, wide)])
      }
      regions[place].region = wide
    }
    let rest = scratch.bytes(at: offset, count: scratch.byteCount - offset)
    try primitive.run(device, stream, regions + [(ONEDNN_SCRATCHPAD, rest)])
    for result in results {
      try result.reorder.run(
        device, stream, [(ONEDNN_SOURCE, result.from), (ONEDNN_DESTINATION, result.to)])
    }
  }
}

extension ConvolutionPasses.Pass {
  /// Runs a pass of oneDNN.
  func run(
    _ device: Device, _ stream: Stream, _ regions: [(role: onednn_role, region: Region)],
    scratch: Region
  ) throws(EngineError) {
    switch self {
    case .primitive(let primitive):
      try primitive.run(device, stream, regions + [(ONEDNN_SCRATCHPAD, scratch)])
    case .widened(let pass): try pass.run(device, stream, regions, scratch: scratch)
    case .winograd, .tiles: preconditionFailure("our own kernels are run by themselves")
    }
  }
}
