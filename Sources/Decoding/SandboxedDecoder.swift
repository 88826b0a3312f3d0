internal import CSandbox
package import Imaging
import Machine

/// Decoder in a process of its own, which is replaced when it ends, hangs, or has served long
/// enough.
package final class SandboxedDecoder: ImageDecoder {
  /// Time that a thread with others to serve waits for the memory that every decoder needs.
  private static let roomPatience = Duration.milliseconds(25)

  private let processes: DecoderProcesses
  /// Memory of the process for its whole life; nil while there is no room for it, or if nothing is
  /// counted.
  private var reservation: Reservation?
  private var process: DecoderProcess?

  private let overdraws: Bool

  /// Starts its process, so that it is ready for the first image.
  init(_ processes: DecoderProcesses, overdraws: Bool = false) {
    self.processes = processes
    self.overdraws = overdraws
    do throws(DecodingFailure) {
      process = try started(inputCount: 0, outputCount: 0, until: .now)
    } catch {
      // The first image tries again, and reports the reason.
    }
  }

  /// ID of the decoder's present process, for tests and for people.
  package var identifier: Int? { process?.identifier }

  package func begin(
    _ encoded: Span<UInt8>, by preprocessor: ImagePreprocessor,
    into output: inout MutableSpan<UInt8>, until deadline: ContinuousClock.Instant,
    patience: Duration?
  ) throws(DecodingFailure) -> UnfinishedImage? {
    precondition(
      output.count == preprocessor.outputByteCount, "output must hold outputByteCount bytes")
    guard ContinuousClock.now < deadline else { throw .deadline }
    var request = sandbox_request()
    request.contract = sandbox_contract(preprocessor)
    request.output_byte_count = UInt64(output.count)
    for _ in 0..<2 {
      let roomEnd = patience == nil ? deadline : min(deadline, .now + Self.roomPatience)
      let process = try process(
        inputCount: encoded.count, outputCount: output.count, until: roomEnd)
      let extra = try processes.reserve(
        encoded.count - SandboxLimits.sharedByteCount, until: roomEnd, overdraws: overdraws)
      self.process = nil
      let image = UnfinishedImage(
        encoded, request, on: process, of: processes, beside: extra, until: deadline,
        overdraws: overdraws)
      let progress: UnfinishedImage.Progress
      do throws(DecodingFailure) {
        progress = try image.wait(spending: patience)
      } catch {
        self.process = image.takeProcess()
        throw error
      }
      switch progress {
      case .done:
        image.copyPixels(to: &output)
        self.process = image.takeProcess()
        return nil
      case .unfinished: return image
      case .killed: continue
      }
    }
    throw .unavailable("the decoder was killed twice")
  }

  package func takeBack(_ image: UnfinishedImage) {
    if process == nil { process = image.takeProcess() }
  }

  /// Makes a decoder try what it must not be able to do, and returns whether it succeeded or the
  /// signal that ended it.
  ///
  /// - Parameter time: Time by the clock after which it counts as silent.
  package func attempt(
    _ trial: SandboxTrial, byteCount: Int = 0, within time: Duration
  ) throws(DecodingFailure) -> SandboxTrial.Outcome {
    let process = try process(inputCount: 0, outputCount: 0, until: .now)
    var request = sandbox_request()
    request.trial = trial.number
    request.granted_byte_count = UInt64(byteCount)
    let nothing: [UInt8] = []
    guard process.begin(nothing.span, &request) else { return .ended(signal: give(up: process)) }
    switch process.receive(within: time) {
    case .reply(let reply):
      return reply.status == CInt(SANDBOX_REPLY_DONE) ? .succeeded : .failed
    case .end, .nonsense: return .ended(signal: give(up: process))
    case .silence:
      self.process = nil
      return .silent
    }
  }

  // MARK: The process

  private func process(
    inputCount: Int, outputCount: Int, until deadline: ContinuousClock.Instant
  ) throws(DecodingFailure) -> DecoderProcess {
    if let process {
      if process.imageCount >= UInt64(processes.limits.imageCountLimit) {
        processes.replace(process, .renewed)
        self.process = nil
      } else if inputCount <= process.inputCapacity,
        outputCount <= process.outputCapacity
      {
        return process
      }
    }
    process = nil
    let made = try started(
      inputCount: inputCount, outputCount: outputCount, until: deadline)
    process = made
    return made
  }

  private func started(
    inputCount: Int, outputCount: Int, until deadline: ContinuousClock.Instant
  ) throws(DecodingFailure) -> DecoderProcess {
    if reservation == nil, let budget = processes.budget {
      let byteCount = processes.limits.lastingByteCount
      reservation =
        overdraws
        ? budget.overdraw(byteCount, isLasting: true, use: .decoding)
        : budget.reserve(byteCount, until: deadline, isLasting: true)
      guard reservation != nil else { throw DecodingFailure(refusing: byteCount, of: budget) }
    }
    return try processes.makeProcess(
      inputCount: inputCount, outputCount: outputCount,
      byteLimit: processes.limits.standingByteCount)
  }

  /// Releases a process that has ended, and returns the signal that ended it.
  private func give(up process: DecoderProcess) -> Int {
    self.process = nil
    return processes.give(up: process)
  }
}
