import Machine
import Synchronization

/// Starts the processes of decoders, reserves their memory, and reports how they end.
final class DecoderProcesses: Sendable {
  let budget: MemoryBudget?
  let limits: SandboxLimits
  private let spawner: Spawner
  private let observe: @Sendable (DecoderEvent) -> Void
  private let wasLost = Atomic(false)

  init(
    _ spawner: Spawner, budget: MemoryBudget?, limits: SandboxLimits,
    observe: @escaping @Sendable (DecoderEvent) -> Void
  ) {
    self.spawner = spawner
    self.budget = budget
    self.limits = limits
    self.observe = observe
  }

  /// Reason why no process can be started any more; nil while one can be.
  var fault: String? {
    spawner.isLost ? "the process that starts decoders has ended" : nil
  }

  /// Finds the parts that would confine a decoder by starting one; nil if none can be started.
  func probe() -> SandboxParts? {
    DecoderProcess(
      spawner, inputCapacity: 1, outputCapacity: 1, byteLimit: limits.standingByteCount)?.parts
  }

  /// Starts a decoder's process with room for an image and its pixels, which may take `byteLimit`
  /// bytes from the start.
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

  /// Rounds up to `least` times a power of two, so that a slightly larger image does not need
  /// another process.
  private static func capacity(_ count: Int, least: Int) -> Int {
    var capacity = least
    while capacity < count { capacity *= 2 }
    return capacity
  }

  /// Reserves memory for one image; nil if it needs none, or if nothing is counted.
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

  /// Reports once that no decoder can be started any more.
  private func noteLoss() {
    guard spawner.isLost,
      wasLost.compareExchange(expected: false, desired: true, ordering: .relaxed).exchanged
    else { return }
    observe(.lost)
  }

  /// Ends a decoder that is faulty or has served its time.
  func replace(_ process: DecoderProcess, _ reason: DecoderRestart) {
    observe(.restarted(reason, signal: process.end()))
  }

  /// Reports a decoder that has ended, and returns the signal that ended it.
  func give(up process: DecoderProcess) -> Int {
    let signal = process.end()
    let isKilled = signal == SandboxTrial.killSignal
    observe(.restarted(isKilled ? .killed : .crashed, signal: signal))
    noteLoss()
    return signal
  }
}
