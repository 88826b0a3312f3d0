import ResNet

/// Means of one worker thread to run a network: an arena for activations and the primitives bound
/// to it.
///
/// All memory is taken when the context is made. It may move between threads but serves one at a
/// time.
package final class ExecutionContext {
  private struct BoundPlan {
    let plan: Plan
    let steps: [BoundStep]
    /// For each tap, the step that puts its output in order; nil if it is in order.
    let tapSteps: [BoundStep?]
  }

  package let network: CompiledNetwork
  private let arena: AlignedMemory
  private let scratchpad: AlignedMemory
  private let stream: Stream
  /// Largest batch first.
  private let plans: [BoundPlan]
  /// Plan for one image on the team of the network; nil if this context runs on its thread alone.
  private let team: BoundPlan?

  /// Takes the memory and binds the primitives. With `team`, the context can also run images on the
  /// team that the network was compiled for.
  package init(_ network: CompiledNetwork, team: Bool = false) throws(EngineError) {
    self.network = network
    let teamPlan = team ? network.teamPlan : nil
    let all = network.plans + [teamPlan].compactMap(\.self)
    let arena = try AlignedMemory(
      byteCount: all.map(\.arenaByteCount).max() ?? 0, for: "activations")
    let scratchpad = try AlignedMemory(
      byteCount: all.map(\.scratchpadByteCount).max() ?? 0, for: "scratch memory")
    stream = try Stream(network.device)
    func bound(_ plan: Plan) throws(EngineError) -> BoundPlan {
      var steps: [BoundStep] = []
      for section in plan.sections {
        for repetition in 0..<section.repetitions {
          for step in section.steps {
            steps.append(
              try BoundStep(
                step, of: section, repetition, plan, on: network.device, arena: arena,
                scratchpad: scratchpad))
          }
        }
      }
      let reading = Section(steps: plan.taps.compactMap(\.step), repetitions: 1, strides: [:])
      var tapSteps: [BoundStep?] = []
      for tap in plan.taps {
        tapSteps.append(
          try tap.step.map { step throws(EngineError) in
            try BoundStep(
              step, of: reading, 0, plan, on: network.device, arena: arena, scratchpad: scratchpad)
          })
      }
      return BoundPlan(plan: plan, steps: steps, tapSteps: tapSteps)
    }
    var plans: [BoundPlan] = []
    for plan in network.plans { plans.append(try bound(plan)) }
    self.plans = plans
    self.team = if let teamPlan { try bound(teamPlan) } else { nil }
    self.arena = arena
    self.scratchpad = scratchpad
  }

  /// Whether `runOnTeam` may be called.
  package var hasTeam: Bool { team != nil }

  /// Computes the row-major logits `[N, outputs]` of images in the network's encoding, for any N.
  ///
  /// An image's logits do not depend on its neighbours. Throws only errors of the library; a wrong
  /// count of numbers is a programmer's error.
  ///
  /// - Parameter taps: Takes the outputs of the network's taps, if they are wanted.
  package func run(
    imageCount: Int, input: RawSpan, logits: inout MutableSpan<Float>, taps: TapOutputs? = nil
  ) throws(EngineError) {
    OneDNN.setThreads(network.threads)
    try run(plans, imageCount, input, &logits, taps, until: nil)
  }

  /// Computes the logits of images `[N, C, H, W]`, for a network that takes planes.
  package func run(
    imageCount: Int, input: Span<Float>, logits: inout MutableSpan<Float>, taps: TapOutputs? = nil
  ) throws(EngineError) {
    precondition(network.inputEncoding == .planes, "the network's input encoding must be planes")
    // SAFETY: numbers have no padding.
    try run(imageCount: imageCount, input: unsafe input.bytes, logits: &logits, taps: taps)
  }

  /// Computes as `run` does, one image after the other on the team of the context.
  ///
  /// The team's threads come and go with the call: none of them waits actively for the next, and
  /// OpenMP's runtime counts none against what other threads may use. Nothing else should compute
  /// meanwhile. Returns false if it gave up because `deadline` had passed before a step; the logits
  /// are then undefined. It is late by no more than the step in progress, and no step is one of
  /// oneDNN's plain loops: on a core that another program takes half of, that is twice the time of
  /// the step and the time slices of the other program.
  @discardableResult
  package func runOnTeam(
    imageCount: Int, input: RawSpan, logits: inout MutableSpan<Float>, taps: TapOutputs? = nil,
    until deadline: ContinuousClock.Instant? = nil
  ) throws(EngineError) -> Bool {
    guard let team, let threads = network.teamThreads else {
      preconditionFailure("the context must have a team")
    }
    OneDNN.beginTeam(threads)
    defer {
      OneDNN.endTeam()
      OneDNN.setThreads(network.threads)
    }
    return try run([team], imageCount, input, &logits, taps, until: deadline)
  }

  /// Computes as `run` does, but gives up if `deadline` has passed before a step: returns false,
  /// and the logits are undefined.
  package func run(
    imageCount: Int, input: RawSpan, logits: inout MutableSpan<Float>,
    until deadline: ContinuousClock.Instant
  ) throws(EngineError) -> Bool {
    OneDNN.setThreads(network.threads)
    return try run(plans, imageCount, input, &logits, nil, until: deadline)
  }

  /// Runs the plans, and returns whether it finished before the deadline.
  @discardableResult
  private func run(
    _ plans: [BoundPlan], _ imageCount: Int, _ input: RawSpan,
    _ logits: inout MutableSpan<Float>, _ taps: TapOutputs?,
    until deadline: ContinuousClock.Instant?
  ) throws(EngineError) -> Bool {
    // An earlier run may have given up.
    taps?.begin(network.tapShapes, imageCount: imageCount)
    let inputByteCount = network.inputByteCount
    let outputCount = network.outputCount
    precondition(
      input.byteCount == imageCount * inputByteCount, "the input must be N images")
    precondition(logits.count == imageCount * outputCount, "logits must be [N, outputs]")
    var done = 0
    for bound in plans {
      while imageCount - done >= bound.plan.batch {
        let images = done..<done + bound.plan.batch
        copy(
          input.extracting(
            images.lowerBound * inputByteCount..<images.upperBound * inputByteCount),
          to: bound.plan)
        for step in bound.steps {
          if let deadline, .now > deadline { return false }
          try step.run(on: stream)
        }
        copy(
          bound.plan, to: &logits,
          at: images.lowerBound * outputCount..<images.upperBound * outputCount)
        if let taps { try read(bound, into: taps) }
        done = images.upperBound
      }
    }
    return true
  }

  /// Shows the fp32 output of every node for the last image that ran, its numbers in no particular
  /// order.
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

  private func read(_ bound: BoundPlan, into taps: TapOutputs) throws(EngineError) {
    for (index, tap) in bound.plan.taps.enumerated() where taps.takes(index) {
      try bound.tapSteps[index]?.run(on: stream)
      // SAFETY: the plan placed the buffer in the arena, with room for as many numbers.
      let values = unsafe UnsafeBufferPointer(
        start: (arena.base + bound.plan.offsets[tap.slot.buffer])
          .assumingMemoryBound(to: Float.self),
        count: bound.plan.batch * tap.elementCount)
      unsafe taps.append(values, to: index)
    }
  }

  // SAFETY (both): the plan's input and output have the sizes that `run` has checked.
  private func copy(_ input: RawSpan, to plan: Plan) {
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
