package import Machine
import Synchronization

/// Decoders in processes of their own, each shut in, forked by one spawner.
package final class SandboxedDecoders: DecoderSource {
  let spawner: Spawner
  let budget: MemoryBudget?
  let limits: SandboxLimits
  let observe: @Sendable (DecoderEvent) -> Void
  private let wasLost = Atomic(false)

  /// - Parameters:
  ///   - budget: What decoders share with everything else; nil where nothing is counted.
  ///   - observe: Told what happens to decoders, on the threads that decode.
  package init(
    _ spawner: Spawner, budget: MemoryBudget? = nil, limits: SandboxLimits = SandboxLimits(),
    observe: @escaping @Sendable (DecoderEvent) -> Void = { _ in }
  ) {
    self.spawner = spawner
    self.budget = budget
    self.limits = limits
    self.observe = observe
  }

  package func makeDecoder(overdraws: Bool) -> any ImageDecoder {
    SandboxedDecoder(self, overdraws: overdraws)
  }

  package func makeSandboxedDecoder() -> SandboxedDecoder { SandboxedDecoder(self) }

  package var fault: String? {
    spawner.isLost ? "the process that starts decoders has ended" : nil
  }

  /// What would hold a decoder in, found by starting one; nil where none can be started.
  package func probe() -> SandboxParts? {
    DecoderProcess(
      spawner, inputCapacity: 1, outputCapacity: 1, byteLimit: limits.standingByteCount)?.parts
  }

  /// A decoder's process with room for an image and its pixels, that may take so much memory from the start.
  func makeProcess(
    inputCount: Int, outputCount: Int, byteLimit: Int
  ) throws(DecodingFailure) -> DecoderProcess {
    guard
      let made = DecoderProcess(
        spawner, inputCapacity: Self.capacity(inputCount, least: Self.leastInputCapacity),
        outputCapacity: Self.capacity(outputCount, least: Self.leastOutputCapacity),
        byteLimit: byteLimit)
    else {
      noteLoss()
      throw .unavailable(
        fault ?? "the system refuses another process or its memory; "
          + "ulimit -n, -u, -v and -f and pids.max of the control group bound them")
    }
    return made
  }

  private static let leastInputCapacity = 32 << 20
  private static let leastOutputCapacity = 1 << 20

  /// A power of two, so that a slightly larger image does not ask for another process again.
  private static func capacity(_ count: Int, least: Int) -> Int {
    var capacity = least
    while capacity < count { capacity *= 2 }
    return capacity
  }

  /// Memory for one image; nil where there is none by then, or where nothing is counted.
  ///
  /// - Parameter overdraws: See `DecoderSource.makeDecoder`.
  func reserve(
    _ byteCount: Int, until deadline: ContinuousClock.Instant, overdraws: Bool
  ) throws(DecodingFailure) -> Reservation? {
    guard byteCount > 0, let budget else { return nil }
    if overdraws { return budget.overdraw(byteCount, isLasting: false, use: .decoding) }
    let reservation = budget.reserve(byteCount, until: deadline)
    guard let reservation else { throw DecodingFailure(refusing: byteCount, of: budget) }
    return reservation
  }

  /// Says once that no decoder can be started any more.
  func noteLoss() {
    guard spawner.isLost,
      wasLost.compareExchange(expected: false, desired: true, ordering: .relaxed).exchanged
    else { return }
    observe(.lost)
  }

  /// Ends a decoder that something is wrong with.
  func replace(_ process: DecoderProcess, _ reason: DecoderRestart) {
    observe(.restarted(reason, signal: process.end()))
  }

  /// Takes leave of a decoder that has ended; the signal that ended it.
  func give(up process: DecoderProcess) -> Int {
    let signal = process.end()
    let isKilled = signal == SandboxTrial.killSignal
    observe(.restarted(isKilled ? .killed : .crashed, signal: signal))
    noteLoss()
    return signal
  }
}
