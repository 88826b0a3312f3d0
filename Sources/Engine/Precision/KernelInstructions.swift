package import CKernels

/// Instruction sets that our own kernels are compiled for, slowest first.
package enum KernelInstructions: String, Sendable, CaseIterable {
  case portable
  case avx2
  case avx512

  /// The fastest set that this CPU has and no variable forbids.
  package static var best: KernelInstructions {
    let present = winograd_instructions_best()
    let level = InstructionLevel.used
    let allowed = level >= .avx512 ? KernelInstructions.avx512 : level >= .avx2 ? .avx2 : .portable
    return allCases.last {
      $0.number.rawValue <= min(present.rawValue, allowed.number.rawValue)
    } ?? .portable
  }

  /// Sets that may be used.
  package static var available: [KernelInstructions] {
    allCases.filter { $0.number.rawValue <= best.number.rawValue }
  }

  /// Channels that our own kernels want next to each other.
  package var channelBlock: Int { Int(winograd_channel_block(number)) }

  package var number: winograd_instructions {
    switch self {
    case .portable: WINOGRAD_PORTABLE
    case .avx2: WINOGRAD_AVX2
    case .avx512: WINOGRAD_AVX512
    }
  }
}
