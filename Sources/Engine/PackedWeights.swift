import COneDNN
import ResNet

/// The parameters of all layers in the layouts their primitives want, one copy for every batch size and worker.
final class PackedWeights {
  /// A layer's weights and bias, ready to be read by primitives.
  struct Layer: Sendable {
    let packing: Packing
    let weight: AlignedMemory
    let bias: AlignedMemory?
  }

  /// How a layer's weights lie.
  enum Packing: Sendable, Equatable {
    case layout(Layout)
    /// Transformed by `WinogradKernel`, the bias behind them.
    case winograd
  }

  /// A layer's parameters before packing, row-major.
  struct Source {
    var weight: [Float]
    /// As the primitive counts dimensions: `[K, C, H, W]` or `[G, K/G, C/G, H, W]`.
    var shape: [Int]
    var bias: [Float]?
  }

  private let device: Device
  private let stream: Stream
  /// By the layer's name; more than one where batch sizes want different layouts.
  private var layers: [String: [Layer]] = [:]

  init(_ device: Device) throws(EngineError) {
    self.device = device
    stream = try Stream(device)
  }

  /// The layout in which a layer is packed already.
  func layout(of name: String) -> Layout? {
    for layer in layers[name] ?? [] {
      if case .layout(let layout) = layer.packing { return layout }
    }
    return nil
  }

  /// The layer in exactly this layout, packed on first need from what `source` makes.
  func layer(
    _ name: String, as layout: Layout, from source: () throws(EngineError) -> Source
  ) throws(EngineError) -> Layer {
    try layer(name, .layout(layout)) { () throws(EngineError) in
      try pack(source(), as: layout, name: name)
    }
  }

  /// The layer as our own kernel wants it, packed on first need.
  func layer(
    _ name: String, for kernel: WinogradKernel, from source: () throws(EngineError) -> Source
  ) throws(EngineError) -> Layer {
    try layer(name, .winograd) { () throws(EngineError) in
      Layer(packing: .winograd, weight: try kernel.pack(source(), for: name), bias: nil)
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

  var byteCount: Int {
    layers.values.joined().reduce(0) { $0 + $1.weight.byteCount + ($1.bias?.byteCount ?? 0) }
  }

  private func pack(
    _ source: Source, as layout: Layout, name: String
  ) throws(EngineError) -> Layer {
    let rowMajor = try Layout(rowMajor: source.shape)
    let plain = try AlignedMemory(byteCount: rowMajor.byteCount, for: name)
    plain.fill(with: source.weight)
    var weight = plain
    if layout != rowMajor {
      weight = try AlignedMemory(byteCount: layout.byteCount, for: name)
      // A team of threads made here would outlive the compilation, and OpenMP's runtime lets no thread
      // wait actively when the threads of all teams outnumber the cores: each step would wake its team.
      let threads = OneDNN.threads
      OneDNN.setThreads(1)
      defer { OneDNN.setThreads(threads) }
      let reorder = try Primitive.reorder(device, from: rowMajor, to: layout)
      let scratchpad = try AlignedMemory(
        byteCount: reorder.byteCount(of: ONEDNN_SCRATCHPAD), for: name)
      let binding = try unsafe Binding(
        device, reorder,
        addresses: [
          (ONEDNN_SOURCE, plain.base), (ONEDNN_DESTINATION, weight.base),
          (ONEDNN_SCRATCHPAD, scratchpad.base),
        ])
      try binding.run(on: stream)
    }
    var bias: AlignedMemory?
    if let values = source.bias {
      let memory = try AlignedMemory(
        byteCount: values.count * MemoryLayout<Float>.stride, for: name)
      memory.fill(with: values)
      bias = memory
    }
    return Layer(packing: .layout(layout), weight: weight, bias: bias)
  }
}

extension AlignedMemory {
  /// Copies the numbers to the front of the memory, which must have room for them.
  fileprivate func fill(with values: [Float]) {
    let byteCount = values.count * MemoryLayout<Float>.stride
    precondition(byteCount <= self.byteCount, "the numbers fit")
    // SAFETY: the memory holds at least as many bytes as are copied.
    unsafe values.withUnsafeBytes { bytes in
      if let start = bytes.baseAddress { unsafe base.copyMemory(from: start, byteCount: byteCount) }
    }
  }
}
