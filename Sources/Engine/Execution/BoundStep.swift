import COneDNN

/// Step with the addresses that it works on; belongs to the thread that runs it.
@safe
enum BoundStep {
  case primitive(Binding)
  case kernel(
    any ConvolutionKernel, source: UnsafeMutableRawPointer, weights: AlignedMemory,
    destination: UnsafeMutableRawPointer, scratchpad: UnsafeMutableRawPointer)
  case maximum(
    MaximumKernel, source: UnsafeMutableRawPointer, destination: UnsafeMutableRawPointer)

  /// Binds a step; the arena and the scratch memory must outlive it.
  init(
    _ step: Step, of section: Section, _ repetition: Int, _ plan: Plan, on device: Device,
    arena: AlignedMemory, scratchpad: AlignedMemory
  ) throws(EngineError) {
    // SAFETY: the plan's offsets lie inside the arena, followed by room for every repetition.
    func address(_ slot: Slot) -> UnsafeMutableRawPointer {
      unsafe arena.base + plan.offsets[slot.buffer] + repetition * (section.strides[slot] ?? 0)
    }
    switch step.computation {
    case .kernel(let kernel):
      guard let parameters = step.parameters else {
        preconditionFailure("a convolution must have weights")
      }
      unsafe self = .kernel(
        kernel, source: address(step.source), weights: parameters.weight,
        destination: address(step.destination), scratchpad: scratchpad.base)
    case .maximum(let kernel):
      unsafe self = .maximum(
        kernel, source: address(step.source), destination: address(step.destination))
    case .primitive(let primitive):
      var addresses: [(role: onednn_role, address: UnsafeMutableRawPointer)] = unsafe [
        (ONEDNN_SOURCE, address(step.source)), (ONEDNN_DESTINATION, address(step.destination)),
        (ONEDNN_SCRATCHPAD, scratchpad.base),
      ]
      if let addend = step.addend { unsafe addresses.append((ONEDNN_ADDEND, address(addend))) }
      if let parameters = step.parameters {
        unsafe addresses.append((ONEDNN_WEIGHTS, parameters.weight.base))
        if let bias = parameters.bias { unsafe addresses.append((ONEDNN_BIAS, bias.base)) }
      }
      self = .primitive(try unsafe Binding(device, primitive, addresses: addresses))
    }
  }

  func run(on stream: Stream) throws(EngineError) {
    switch self {
    case .primitive(let binding): try binding.run(on: stream)
    case .kernel(let kernel, let source, let weights, let destination, let scratchpad):
      unsafe kernel.run(
        source: source, weights: weights.base, destination: destination, scratchpad: scratchpad)
    case .maximum(let kernel, let source, let destination):
      unsafe kernel.run(source: source, destination: destination)
    }
  }
}
