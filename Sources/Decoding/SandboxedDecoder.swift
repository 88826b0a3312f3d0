internal import CSandbox
package import Imaging
import Machine

/// Decodes in a process of its own, which is replaced when it ends, hangs, or has served long enough.
package final class SandboxedDecoder: ImageDecoder {
  /// What became of one try.
  private enum Outcome {
    case done
    /// Somebody killed the process, so that nothing is known of the image.
    case killed
  }

  private let source: SandboxedDecoders
  /// What the process may take for its life; nil while there is no room for it, or nothing is counted.
  private var reservation: Reservation?
  private var process: DecoderProcess?

  private static let leastInputCapacity = 32 << 20
  private static let leastOutputCapacity = 1 << 20

  /// Starts its process, so that the first image finds it.
  init(_ source: SandboxedDecoders) {
    self.source = source
    do throws(DecodingFailure) {
      process = try started(inputCount: 0, outputCount: 0)
    } catch {
      // The first image tries again, and says why not.
    }
  }

  /// Of the decoder's process as it is now, for tests and for people.
  package var identifier: Int? { process?.identifier }

  package func prepare(
    _ encoded: Span<UInt8>, by preprocessor: ImagePreprocessor,
    into output: inout MutableSpan<UInt8>, until deadline: ContinuousClock.Instant
  ) throws(DecodingFailure) {
    precondition(output.count == preprocessor.outputByteCount, "an input has another size")
    guard ContinuousClock.now < deadline else { throw .deadline }
    var request = sandbox_request()
    request.contract = sandbox_contract(preprocessor)
    request.output_byte_count = UInt64(output.count)
    for _ in 0..<2 {
      let process = try process(inputCount: encoded.count, outputCount: output.count)
      let extra = try reserve(encoded.count - SandboxLimits.sharedByteCount, until: deadline)
      defer { withExtendedLifetime(extra) {} }
      switch try run(&request, encoded, on: process, until: deadline) {
      case .done:
        process.copyOutput(to: &output)
        process.wipe(
          inputByteCount: encoded.count, outputByteCount: output.count,
          kept: SandboxLimits.sharedByteCount)
        return
      case .killed: continue
      }
    }
    throw .unavailable("the decoder was killed twice")
  }

  /// Has a decoder try what it must not be able to do; whether it succeeded, or the signal that ended it.
  package func attempt(
    _ trial: SandboxTrial, byteCount: Int = 0
  ) throws(DecodingFailure) -> SandboxTrial.Outcome {
    let process = try process(inputCount: 0, outputCount: 0)
    var request = sandbox_request()
    request.trial = trial.number
    request.granted_byte_count = UInt64(byteCount)
    let nothing: [UInt8] = []
    guard process.begin(nothing.span, &request) else { return .ended(signal: give(up: process)) }
    switch process.receive(within: source.limits.imageTimeout) {
    case .reply(let reply):
      return reply.status == CInt(SANDBOX_REPLY_DONE) ? .succeeded : .failed
    case .end, .nonsense: return .ended(signal: give(up: process))
    case .silence:
      self.process = nil
      return .silent
    }
  }

  // MARK: One image

  private func run(
    _ request: inout sandbox_request, _ encoded: Span<UInt8>, on process: DecoderProcess,
    until deadline: ContinuousClock.Instant
  ) throws(DecodingFailure) -> Outcome {
    let standing = source.limits.standingByteCount - SandboxLimits.overheadByteCount
    request.granted_byte_count = UInt64(standing)
    var grant: Reservation?
    var hasGrown = false
    let watch = ImageWatch(process, deadline: deadline, limit: source.limits.imageTimeout)
    guard process.begin(encoded, &request) else { return try ended(process) }
    while true {
      switch process.receive(within: watch.patience) {
      case .silence:
        guard let failure = watch.failure else { continue }
        replace(process, failure == .deadline ? .deadline : .slow)
        throw failure
      case .end: return try ended(process)
      case .nonsense: throw senseless(process)
      case .reply(let reply):
        switch reply.status {
        case CInt(SANDBOX_REPLY_NEEDS) where !hasGrown:
          hasGrown = true
          let needed = Int(reply.numbers.0)
          guard needed > standing else { throw senseless(process) }
          do throws(DecodingFailure) {
            grant = try self.grant(needed, until: deadline)
          } catch {
            finish(encoded, request, on: process)
            throw error
          }
          request.granted_byte_count = UInt64(needed)
          guard process.limit(to: needed + SandboxLimits.overheadByteCount),
            process.send(request)
          else { return try ended(process) }
        case CInt(SANDBOX_REPLY_DONE):
          if hasGrown { shrink(process) }
          withExtendedLifetime(grant) {}
          return .done
        case CInt(SANDBOX_REPLY_FAILED):
          guard let error = ImagingError(reply) else { throw senseless(process) }
          if hasGrown { shrink(process) }
          withExtendedLifetime(grant) {}
          finish(encoded, request, on: process)
          throw failure(error, process, granted: Int(request.granted_byte_count))
        default: throw senseless(process)
        }
      }
    }
  }

  /// Leaves nothing of an image that came to nothing.
  private func finish(
    _ encoded: Span<UInt8>, _ request: sandbox_request, on process: DecoderProcess
  ) {
    process.wipe(
      inputByteCount: encoded.count, outputByteCount: Int(request.output_byte_count),
      kept: SandboxLimits.sharedByteCount)
  }

  private func failure(
    _ error: ImagingError, _ process: DecoderProcess, granted: Int
  ) -> DecodingFailure {
    guard error == .outOfMemory else { return .image(error) }
    // What it has taken may be in pieces.
    replace(process, .memory)
    return .outgrown(grantedByteCount: granted)
  }

  /// It has ended in the middle of an image.
  private func ended(_ process: DecoderProcess) throws(DecodingFailure) -> Outcome {
    let signal = give(up: process)
    // Decoders end with what started them, and nobody can say then how.
    if let fault = source.fault { throw .unavailable(fault) }
    if signal == SandboxTrial.killSignal { return .killed }
    throw .crashed
  }

  /// It says what no decoder says: something else than this program runs there.
  private func senseless(_ process: DecoderProcess) -> DecodingFailure {
    replace(process, .crashed)
    return .crashed
  }

  // MARK: Memory

  /// For bytes of shared memory beyond those that are always reserved.
  private func reserve(
    _ byteCount: Int, until deadline: ContinuousClock.Instant
  ) throws(DecodingFailure) -> Reservation? {
    guard byteCount > 0, let budget = source.budget else { return nil }
    if let reservation = budget.reserve(byteCount, until: deadline) { return reservation }
    throw DecodingFailure(refusing: byteCount, of: budget)
  }

  private func grant(
    _ needed: Int, until deadline: ContinuousClock.Instant
  ) throws(DecodingFailure) -> Reservation? {
    guard let budget = source.budget else { return nil }
    let more = needed + SandboxLimits.overheadByteCount - source.limits.standingByteCount
    if let reservation = budget.reserve(max(0, more), until: deadline) { return reservation }
    throw DecodingFailure(refusing: needed, of: budget)
  }

  private func shrink(_ process: DecoderProcess) {
    if !process.limit(to: source.limits.standingByteCount) { self.process = nil }
  }

  // MARK: The process

  private func process(
    inputCount: Int, outputCount: Int
  ) throws(DecodingFailure) -> DecoderProcess {
    if let process {
      if process.imageCount >= UInt64(source.limits.imageCountLimit) {
        replace(process, .renewed)
      } else if inputCount <= process.inputCapacity,
        outputCount <= process.outputCapacity
      {
        return process
      }
    }
    process = nil
    let made = try started(inputCount: inputCount, outputCount: outputCount)
    process = made
    return made
  }

  private func started(
    inputCount: Int, outputCount: Int
  ) throws(DecodingFailure) -> DecoderProcess {
    if reservation == nil, let budget = source.budget {
      reservation = budget.reserve(source.limits.lastingByteCount, isLasting: true)
      guard reservation != nil else {
        throw .noRoom(neededByteCount: source.limits.lastingByteCount)
      }
    }
    guard
      let made = DecoderProcess(
        source.spawner, inputCapacity: Self.capacity(inputCount, least: Self.leastInputCapacity),
        outputCapacity: Self.capacity(outputCount, least: Self.leastOutputCapacity),
        byteLimit: source.limits.standingByteCount)
    else {
      source.noteLoss()
      throw .unavailable(source.fault ?? "the system refuses another process or its memory")
    }
    return made
  }

  /// A power of two, so that a slightly larger image does not ask for another process again.
  private static func capacity(_ count: Int, least: Int) -> Int {
    var capacity = least
    while capacity < count { capacity *= 2 }
    return capacity
  }

  private func replace(_ process: DecoderProcess, _ reason: DecoderRestart) {
    let signal = process.end()
    self.process = nil
    source.observe(.restarted(reason, signal: signal))
  }

  /// Lets go of one that has ended; the signal that ended it.
  private func give(up process: DecoderProcess) -> Int {
    let signal = process.end()
    self.process = nil
    let isKilled = signal == SandboxTrial.killSignal
    source.observe(.restarted(isKilled ? .killed : .crashed, signal: signal))
    source.noteLoss()
    return signal
  }
}
