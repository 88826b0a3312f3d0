import ResNet

/// What one worker thread needs to run a network: an arena for activations and the primitives bound to it.
///
/// All memory is taken when the context is made. It may move between threads but serves one at a time.
package final class ExecutionContext {
  package let network: CompiledNetwork
  private let arena: AlignedMemory
  private let scratchpad: AlignedMemory
  private let stream: Stream
  /// By the network's plans.
  private let bindings: [[BoundStep]]

  package init(_ network: CompiledNetwork) throws(EngineError) {
    self.network = network
    arena = try AlignedMemory(
      byteCount: network.plans.map(\.arenaByteCount).max() ?? 0, for: "activations")
    scratchpad = try AlignedMemory(
      byteCount: network.plans.map(\.scratchpadByteCount).max() ?? 0, for: "scratch memory")
    stream = try Stream(network.device)
    var bindings: [[BoundStep]] = []
    for plan in network.plans {
      var bound: [BoundStep] = []
      for step in plan.steps {
        bound.append(
          try BoundStep(step, of: plan, on: network.device, arena: arena, scratchpad: scratchpad))
      }
      bindings.append(bound)
    }
    self.bindings = bindings
  }

  /// Computes the logits `[N, outputs]` of images `[N, 3, H, W]`, both row-major, for any N.
  ///
  /// An image's logits do not depend on its neighbours. Throws only what the library reports; a wrong
  /// count of numbers is a programmer's error.
  package func run(
    imageCount: Int, input: Span<Float>, logits: inout MutableSpan<Float>
  ) throws(EngineError) {
    let inputCount = network.inputShape.elementCount
    let outputCount = network.outputCount
    precondition(input.count == imageCount * inputCount, "input is [N, C, H, W]")
    precondition(logits.count == imageCount * outputCount, "logits are [N, outputs]")
    OneDNN.setThreads(network.threads)
    var done = 0
    for (plan, steps) in zip(network.plans, bindings) {
      while imageCount - done >= plan.batch {
        let images = done..<done + plan.batch
        copy(
          input.extracting(images.lowerBound * inputCount..<images.upperBound * inputCount),
          to: plan)
        for step in steps { try step.run(on: stream) }
        copy(
          plan, to: &logits,
          at: images.lowerBound * outputCount..<images.upperBound * outputCount)
        done = images.upperBound
      }
    }
  }

  /// Shows every node's fp32 output of the last image that ran, in no particular order of its numbers.
  ///
  /// For networks compiled for one image with `CompilationOptions.keepsActivations`.
  package func readActivations(_ body: (_ node: String, _ values: Span<Float>) -> Void) {
    let plan = network.plans[network.plans.count - 1]
    for activation in plan.activations {
      // SAFETY: the plan placed the buffer in the arena, with room for as many bytes.
      let values = unsafe UnsafeBufferPointer(
        start: (arena.base + plan.offsets[activation.slot.buffer])
          .assumingMemoryBound(to: Float.self),
        count: activation.byteCount / MemoryLayout<Float>.stride)
      body(activation.name, unsafe values.span)
    }
  }

  // SAFETY (both): the plan's input and output have the sizes that `run` has checked.
  private func copy(_ input: Span<Float>, to plan: Plan) {
    unsafe input.withUnsafeBytes { bytes in
      guard let source = bytes.baseAddress else { return }
      let destination = unsafe arena.base + plan.offsets[plan.input.buffer]
      unsafe destination.copyMemory(from: source, byteCount: bytes.count)
    }
  }

  private func copy(_ plan: Plan, to logits: inout MutableSpan<Float>, at range: Range<Int>) {
    let source = unsafe (arena.base + plan.offsets[plan.output.buffer])
      .assumingMemoryBound(to: Float.self)
    for index in range { logits[index] = unsafe source[index - range.lowerBound] }
  }
}
