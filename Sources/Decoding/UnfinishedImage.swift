internal import CSandbox
import Imaging
import Machine

/// Image that a decoder's process is working on.
///
///     begin ── wait ──┬── done: copyPixels
///                     ├── unfinished ── wait                  its caller goes on waiting
///                     │              └─ setAside ── finish    another thread waits, less urgently
///                     └── killed, or an error
///
/// One that is set aside waits for memory without holding any: two that each held some might wait
/// for each other. Belongs to one thread at a time. Releasing it ends the work that is still in
/// progress.
package final class UnfinishedImage: @unchecked Sendable {
  package enum Progress: Sendable {
    case done
    case unfinished
    /// Somebody killed the process, which says nothing about the image.
    case killed
  }

  /// Niceness of images that are set aside: they get a tenth of a core while others want all of it.
  package static let niceness: CInt = 10
  /// Interval at which to ask whether anybody still waits for the image.
  private static let interestInterval = Duration.milliseconds(25)
  /// Factor by which an image may exceed its processor time on a machine that has others to serve.
  private static let busyMachineFactor = 4
  /// Bytes that images set aside leave free for arriving bodies, which cannot wait for memory.
  private static let roomForBodies = 8 << 20
  /// Bytes beyond what any machine has: a message that asks for so many is nonsense.
  private static let senselessByteCount: Int64 = 1 << 46

  private let processes: DecoderProcesses
  /// The decoder's process; nil once it cannot be used any more.
  private var process: DecoderProcess?
  private var request: sandbox_request
  private var watch: ImageWatch
  private let deadline: ContinuousClock.Instant
  /// Bytes of shared memory beyond those that every decoder has.
  private var extra: Reservation?
  /// Bytes that this image alone was granted.
  private var grant: Reservation?
  /// Bytes reserved in place of its decoder's, which continues with another process.
  private var standing: Reservation?
  /// The result, if it outlives its process.
  private var pixels: [UInt8] = []
  /// Bytes that it has asked for and was not granted yet.
  private var neededByteCount: Int?
  private var hasGrown = false
  private var hasBegun = false
  /// Whether its process must not be used again.
  private var isSpent = false
  private let overdraws: Bool

  init(
    _ encoded: Span<UInt8>, _ request: sandbox_request, on process: DecoderProcess,
    of processes: DecoderProcesses, beside extra: Reservation?,
    until deadline: ContinuousClock.Instant, overdraws: Bool
  ) {
    self.processes = processes
    self.overdraws = overdraws
    self.process = process
    self.request = request
    self.deadline = deadline
    self.extra = extra
    watch = ImageWatch(process, deadline: deadline, limit: processes.limits.imageTimeout)
    self.request.granted_byte_count = UInt64(
      processes.limits.standingByteCount - SandboxLimits.overheadByteCount)
    hasBegun = process.begin(encoded, &self.request)
  }

  package var encodedByteCount: Int { Int(request.input_byte_count) }

  // MARK: Waiting

  /// Waits until the image has taken `limit` of processor time, or four times as much of elapsed
  /// time, but not for memory; nil waits for as long as it takes.
  func wait(spending limit: Duration?) throws(DecodingFailure) -> Progress {
    guard let limit else { return try wait(for: nil) }
    let end = ContinuousClock.now + limit * Self.busyMachineFactor
    while true {
      let pause = max(.zero, min(limit - watch.spent, end - .now))
      let progress = try wait(until: .now + pause, forMemory: .now)
      guard progress == .unfinished, neededByteCount == nil, watch.spent < limit, .now < end
      else { return progress }
    }
  }

  /// Waits at most for `patience`; nil waits for as long as it takes, so that the image is never
  /// `unfinished`.
  package func wait(for patience: Duration?) throws(DecodingFailure) -> Progress {
    let end = patience.map { ContinuousClock.now + $0 }
    return try wait(until: end, forMemory: end)
  }

  private func wait(
    until end: ContinuousClock.Instant?, forMemory memoryEnd: ContinuousClock.Instant?
  ) throws(DecodingFailure) -> Progress {
    while true {
      guard let process else { return .killed }
      guard hasBegun else { return try ended(process) }
      if let needed = neededByteCount {
        guard try grant(needed, to: process, until: memoryEnd ?? deadline) else {
          if memoryEnd == nil { continue }
          return .unfinished
        }
      }
      switch process.receive(within: min(watch.patience, end.map { $0 - .now } ?? .seconds(3600))) {
      case .silence:
        if let failure = watch.failure {
          replace(process, failure == .deadline ? .deadline : .slow)
          throw failure
        }
        if let end, .now >= end { return .unfinished }
      case .end: return try ended(process)
      case .nonsense: throw senseless(process)
      case .reply(let reply): if try take(reply, of: process) { return .done }
      }
    }
  }

  /// Detaches the image from its decoder, which continues with another process; false if there is
  /// no memory for one more.
  package func setAside() -> Bool {
    guard let process else { return true }
    if let budget = processes.budget {
      standing = budget.reserve(
        processes.limits.lastingByteCount, leaving: Self.roomForBodies)
      guard standing != nil else { return false }
    }
    process.yield(to: Self.niceness)
    isSpent = true
    return true
  }

  /// Waits until the image is done or killed, and gives back all memory but its pixels; throws
  /// `deadline` as soon as nobody wants it any more.
  ///
  /// - Parameter encoded: The image, which may have to be started again.
  /// - Returns: `unfinished` if it needs the memory of others, so that only a decoder that is not
  ///   set aside can decode it.
  package func finish(
    _ encoded: Span<UInt8>, while isWanted: () -> Bool
  ) throws(DecodingFailure) -> Progress {
    while isWanted() {
      if let needed = neededByteCount, let process,
        try !grant(needed, to: process, until: .now)
      {
        guard try beginAnew(encoded, needing: needed, while: isWanted) else { return .unfinished }
        continue
      }
      let progress = try wait(for: Self.interestInterval)
      if progress == .unfinished { continue }
      if progress == .done { keepPixels() }
      return progress
    }
    postpone(.deadline)
    throw .deadline
  }

  /// Gives everything back, waits for all that the image needs at once, and starts it again; false
  /// if an image set aside can never get so much.
  private func beginAnew(
    _ encoded: Span<UInt8>, needing needed: Int, while isWanted: () -> Bool
  ) throws(DecodingFailure) -> Bool {
    postpone()
    (extra, standing, grant) = (nil, nil, nil)
    let byteLimit = needed + SandboxLimits.overheadByteCount
    let all =
      byteLimit + processes.limits.lastingByteCount - processes.limits.standingByteCount
      + max(0, encoded.count - SandboxLimits.sharedByteCount)
    if let budget = processes.budget {
      grant = budget.reserve(all, until: deadline, while: isWanted)
      guard grant != nil else {
        if !isWanted() || .now >= deadline { throw .deadline }
        return false
      }
    }
    let process = try processes.makeProcess(
      inputCount: encoded.count, outputCount: Int(request.output_byte_count),
      byteLimit: byteLimit)
    process.yield(to: Self.niceness)
    request.granted_byte_count = UInt64(needed)
    (neededByteCount, hasGrown, isSpent) = (nil, true, true)
    watch = ImageWatch(process, deadline: deadline, limit: processes.limits.imageTimeout)
    hasBegun = process.begin(encoded, &request)
    self.process = process
    return true
  }

  /// Gives the image up, to be started again later.
  package func postpone() { postpone(.postponed) }

  private func postpone(_ reason: DecoderRestart) {
    if let process { replace(process, reason) }
  }

  // MARK: Results

  /// Copies the pixels; only once the image is done.
  package func copyPixels(to output: inout MutableSpan<UInt8>) {
    if let process {
      process.copyOutput(to: &output)
    } else {
      precondition(
        output.count == pixels.count, "an image must be done before its pixels are copied")
      for index in output.indices { output[index] = pixels[index] }
    }
  }

  private func keepPixels() {
    guard let process else { return }
    pixels = [UInt8](repeating: 0, count: Int(request.output_byte_count))
    var span = pixels.mutableSpan
    process.copyOutput(to: &span)
    _ = process.end()
    self.process = nil
    (extra, standing) = (nil, nil)
  }

  /// Returns the process for the next image, with nothing of this one left in it; nil if it cannot
  /// be used any more.
  func takeProcess() -> DecoderProcess? {
    defer { process = nil }
    process?.wipe(
      inputByteCount: Int(request.input_byte_count),
      outputByteCount: Int(request.output_byte_count), kept: SandboxLimits.sharedByteCount)
    return isSpent ? nil : process
  }

  /// Handles a reply, and returns whether the image is done.
  private func take(
    _ reply: sandbox_reply, of process: DecoderProcess
  ) throws(DecodingFailure) -> Bool {
    let standing = processes.limits.standingByteCount - SandboxLimits.overheadByteCount
    switch reply.status {
    case CInt(SANDBOX_REPLY_NEEDS)
    where !hasGrown && reply.numbers.0 > Int64(standing)
      && reply.numbers.0 < Self.senselessByteCount:
      neededByteCount = Int(reply.numbers.0)
      return false
    case CInt(SANDBOX_REPLY_DONE):
      shrink(process)
      return true
    case CInt(SANDBOX_REPLY_FAILED):
      guard let error = ImagingError(reply) else { throw senseless(process) }
      shrink(process)
      guard error == .outOfMemory else { throw .image(error) }
      // The memory that it has taken may be fragmented.
      replace(process, .memory)
      throw .outgrown(grantedByteCount: Int(request.granted_byte_count))
    default: throw senseless(process)
    }
  }

  // MARK: Memory

  /// Grants the image its memory; false if there was no room by `end`.
  private func grant(
    _ needed: Int, to process: DecoderProcess, until end: ContinuousClock.Instant
  ) throws(DecodingFailure) -> Bool {
    let more = max(0, needed + SandboxLimits.overheadByteCount - processes.limits.standingByteCount)
    do throws(DecodingFailure) {
      grant = try processes.reserve(more, until: min(end, deadline), overdraws: overdraws)
    } catch {
      if case .noRoom = error, .now < deadline { return false }
      throw error
    }
    (neededByteCount, hasGrown) = (nil, true)
    request.granted_byte_count = UInt64(needed)
    if !process.limit(to: needed + SandboxLimits.overheadByteCount) || !process.send(request) {
      // It has ended: if it was killed, the next wait finds it gone.
      _ = try ended(process)
    }
    return true
  }

  private func shrink(_ process: DecoderProcess) {
    grant = nil
    if hasGrown, !process.limit(to: processes.limits.standingByteCount) { isSpent = true }
  }

  // MARK: The process's end

  /// Handles a process that has ended in the middle of an image.
  private func ended(_ process: DecoderProcess) throws(DecodingFailure) -> Progress {
    self.process = nil
    let signal = processes.give(up: process)
    // Decoders end with the spawner, and nobody can then tell how.
    if let fault = processes.fault { throw .unavailable(fault) }
    if signal == SandboxTrial.killSignal { return .killed }
    throw .crashed
  }

  /// Handles a message that no decoder sends: something other than this program runs there.
  private func senseless(_ process: DecoderProcess) -> DecodingFailure {
    replace(process, .crashed)
    return .crashed
  }

  private func replace(_ process: DecoderProcess, _ reason: DecoderRestart) {
    self.process = nil
    processes.replace(process, reason)
  }
}
