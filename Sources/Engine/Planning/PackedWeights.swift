import COneDNN
import ResNet

/// Parameters of all layers as their computations want them, one copy for all batch sizes and
/// workers.
final class PackedWeights {
  /// Weights and bias of a layer, packed.
  struct Layer: Sendable {
    let packing: Packing
    let weight: AlignedMemory
    let bias: AlignedMemory?
  }

  /// Order of a layer's packed weights.
  enum Packing: Sendable, Equatable {
    case layout(Layout)
    /// As the layer's `ConvolutionKernel` wants them, with the bias.
    case kernel
  }

  private let device: Device
  private let stream: Stream
  /// Packed layers by name; more than one if batch sizes want different layouts.
  private var layers: [String: [Layer]] = [:]
  /// Scales by name, of the layers that run on integers.
  private var scales: [String: [Float]] = [:]

  /// Whether all sums of a layer are exact by Winograd's filtering on integers, by name.
  private var exactness: [String: Bool] = [:]

  init(_ device: Device) throws(EngineError) {
    self.device = device
    stream = try Stream(device)
  }

  var byteCount: Int {
    layers.values.joined().reduce(0) { $0 + $1.weight.byteCount + ($1.bias?.byteCount ?? 0) }
  }

  /// Returns the layouts in which a layer is already packed by numbers of this type. It may be
  /// packed by others too, for a batch size that has its sums in integers only in a plain loop.
  func layouts(of name: String, _ number: Number) throws(EngineError) -> [Layout] {
    var layouts: [Layout] = []
    for layer in layers[name] ?? [] {
      guard case .layout(let layout) = layer.packing else { continue }
      if try layout == layout.recast(number) { layouts.append(layout) }
    }
    return layouts
  }

  /// Returns the scales of a layer's quantised weights, which `quantize` makes when first needed.
  func scales(
    of name: String, quantize: () throws(EngineError) -> QuantizedWeights
  ) throws(EngineError) -> [Float] {
    if let known = scales[name] { return known }
    let made = try quantize().scales
    scales[name] = made
    return made
  }

  /// Returns whether Winograd's filtering on integers is exact for a layer, which `judge` says when
  /// first asked.
  func isExact(
    _ name: String, judge: () throws(EngineError) -> Bool
  ) throws(EngineError) -> Bool {
    if let known = exactness[name] { return known }
    let judged = try judge()
    exactness[name] = judged
    return judged
  }

  /// Returns the layer in exactly this layout of floating-point numbers, packed from `source` when
  /// first needed.
  func layer(
    _ name: String, as layout: Layout, from source: () throws(EngineError) -> LayerParameters
  ) throws(EngineError) -> Layer {
    try layer(name, .layout(layout)) { () throws(EngineError) in
      let source = try source()
      return try pack(
        source.weight, from: Layout(rowMajor: source.shape), to: layout, bias: source.bias,
        for: name)
    }
  }

  /// Returns the layer in exactly this layout of integers; `sourceScale` is that of the activations
  /// it reads.
  func layer(
    _ name: String, as layout: Layout, sourceScale: Float,
    from source: () throws(EngineError) -> QuantizedWeights
  ) throws(EngineError) -> Layer {
    try layer(name, .layout(layout)) { () throws(EngineError) in
      let source = try source()
      return try pack(
        source.weight, from: Layout(rowMajor: source.shape, .s8), to: layout,
        bias: source.bias(sourceScale: sourceScale), for: name)
    }
  }

  /// Returns the layer as its kernel of ours wants it, which `pack` makes when first needed.
  func layer(
    _ name: String, pack: () throws(EngineError) -> AlignedMemory
  ) throws(EngineError) -> Layer {
    try layer(name, .kernel) { () throws(EngineError) in
      Layer(packing: .kernel, weight: try pack(), bias: nil)
    }
  }

  private func layer(
    _ name: String, _ packing: Packing, made: () throws(EngineError) -> Layer
  ) throws(EngineError) -> Layer {
    if let packed = layers[name]?.first(where: { $0.packing == packing }) { return packed }
    let packed = try made()
    layers[name, default: []].append(packed)
    return packed
  }

  private func pack<Element: BitwiseCopyable>(
    _ weight: [Element], from rowMajor: Layout, to layout: Layout, bias: [Float]?, for name: String
  ) throws(EngineError) -> Layer {
    Layer(
      packing: .layout(layout), weight: try pack(weight, from: rowMajor, to: layout, for: name),
      bias: try bias.map { bias throws(EngineError) in
        try AlignedMemory(holding: bias, for: name)
      })
  }

  private func pack<Element: BitwiseCopyable>(
    _ numbers: [Element], from rowMajor: Layout, to layout: Layout, for name: String
  ) throws(EngineError) -> AlignedMemory {
    let plain = try AlignedMemory(holding: numbers, for: name)
    guard layout != rowMajor else { return plain }
    let packed = try AlignedMemory(byteCount: layout.byteCount, for: name)
    // A team of threads made here would outlive the compilation, and OpenMP's runtime lets no
    // thread wait actively when the threads of all teams outnumber the cores: each step would wake
    // its team.
    let threads = OneDNN.threads
    OneDNN.setThreads(1)
    defer { OneDNN.setThreads(threads) }
    let reorder = try Primitive.reorder(device, from: rowMajor, to: layout)
    let scratchpad = try AlignedMemory(
      byteCount: reorder.byteCount(of: ONEDNN_SCRATCHPAD), for: name)
    let binding = try unsafe Binding(
      device, reorder,
      addresses: [
        (ONEDNN_SOURCE, plain.base), (ONEDNN_DESTINATION, packed.base),
        (ONEDNN_SCRATCHPAD, scratchpad.base),
      ])
    try binding.run(on: stream)
    return packed
  }
}

extension AlignedMemory {
  /// Makes memory that holds a copy of the numbers.
  convenience init<Element: BitwiseCopyable>(
    holding numbers: [Element], for purpose: String
  ) throws(EngineError) {
    try self.init(byteCount: numbers.count * MemoryLayout<Element>.stride, for: purpose)
    // SAFETY: the memory holds as many bytes as are copied.
    unsafe numbers.withUnsafeBytes { bytes in
      if let start = bytes.baseAddress {
        unsafe base.copyMemory(from: start, byteCount: bytes.count)
      }
    }
  }
}
