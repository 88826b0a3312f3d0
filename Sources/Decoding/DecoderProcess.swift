internal import CSandbox
import Glibc
import Time

/// A decoder's process as the server sees it: its process ID, its channel, and the memory that both
/// map.
///
///     memory  | encoded image … input capacity | pixels … output capacity |
///
/// Belongs to one thread at a time.
@safe final class DecoderProcess {
  enum Reception {
    case reply(sandbox_reply)
    case end
    /// A message that no decoder sends.
    case nonsense
    case silence
  }

  /// Time to wait for the end of a killed process. It gives its memory back in milliseconds, or in
  /// a second at low priority on a busy machine.
  private static let endTimeout = Duration.seconds(5)

  let inputCapacity: Int
  let outputCapacity: Int
  /// Parts of the sandbox that confine it.
  let parts: SandboxParts
  private let spawner: Spawner
  private let process: pid_t
  private let channel: CInt
  private let memory: CInt
  // SAFETY: both capacities, mapped until `deinit`. The other side may write there at any time, so
  // nothing that is read there is trusted.
  private let bytes: UnsafeMutablePointer<UInt8>
  private let baseByteCount: Int
  private var isReaped = false
  /// Images that it was asked to decode.
  private(set) var imageCount: UInt64 = 0

  /// Starts a process; nil if the system refuses or the decoder does not send its greeting.
  init?(
    _ spawner: Spawner, inputCapacity: Int, outputCapacity: Int, byteLimit: Int
  ) {
    let byteCount = inputCapacity + outputCapacity
    var mapped: UnsafeMutablePointer<UInt8>?
    let memory = unsafe sandbox_memory_create(byteCount, &mapped)
    guard memory >= 0, let bytes = unsafe mapped else { return nil }
    var ends: [CInt] = [-1, -1]
    let hasChannel = unsafe sandbox_channel_create(&ends) == 0
    let process =
      hasChannel
      ? spawner.fork(
        channel: ends[1], memory: memory, memoryByteCount: byteCount, byteLimit: byteLimit) : nil
    if hasChannel { close(ends[1]) }
    guard let process else {
      if hasChannel { close(ends[0]) }
      unsafe sandbox_memory_unmap(bytes, byteCount)
      close(memory)
      return nil
    }
    var greeting = sandbox_greeting()
    let isThere =
      unsafe sandbox_channel_receive(
        ends[0], &greeting, MemoryLayout<sandbox_greeting>.size,
        Int64(SandboxLimits.greetingTimeout.nanoseconds)) == 1
    self.spawner = spawner
    self.process = process
    channel = ends[0]
    self.memory = memory
    unsafe self.bytes = bytes
    self.inputCapacity = inputCapacity
    self.outputCapacity = outputCapacity
    parts = SandboxParts(rawValue: isThere ? greeting.parts : 0)
    baseByteCount = Int(clamping: greeting.base_byte_count)
    if !isThere { return nil }
  }

  deinit {
    _ = end()
    close(channel)
    unsafe sandbox_memory_unmap(bytes, inputCapacity + outputCapacity)
    close(memory)
  }

  /// Kills the process if it still runs, and returns the signal that ended it, 0 for none. One that
  /// has ended by itself keeps its own signal.
  func end() -> Int {
    guard !isReaped else { return 0 }
    isReaped = true
    sandbox_process_kill(process)
    waitForEnd()
    return spawner.reap(process)
  }

  /// Returns when the killed process has given its memory back, which takes a while: whoever reaps
  /// it earlier makes all others that ask the spawner wait. The kernel closes a process's
  /// descriptors after that.
  private func waitForEnd() {
    let end = ContinuousClock.now + Self.endTimeout
    while ContinuousClock.now < end {
      if case .end = receive(within: end - .now) { return }
    }
  }

  var identifier: Int { Int(process) }

  // MARK: Messages

  /// Hands an image over; false if the decoder has ended.
  func begin(_ encoded: Span<UInt8>, _ request: inout sandbox_request) -> Bool {
    precondition(encoded.count <= inputCapacity, "an image must fit in the shared memory")
    imageCount += 1
    request.number = imageCount
    request.input_byte_count = UInt64(encoded.count)
    request.output_offset = UInt64(inputCapacity)
    // SAFETY: the precondition bounds the copy.
    unsafe encoded.withUnsafeBufferPointer { source in
      guard let start = source.baseAddress else { return }
      unsafe bytes.update(from: start, count: source.count)
    }
    return send(request)
  }

  func send(_ request: sandbox_request) -> Bool {
    var request = request
    return unsafe sandbox_channel_send(channel, &request, MemoryLayout<sandbox_request>.size)
  }

  func receive(within time: Duration) -> Reception {
    var reply = sandbox_reply()
    let status = unsafe sandbox_channel_receive(
      channel, &reply, MemoryLayout<sandbox_reply>.size, Int64(max(0, time.nanoseconds)))
    switch status {
    case 1: return reply.number == imageCount ? .reply(reply) : .nonsense
    case 0: return .end
    case -1: return .silence
    default: return .nonsense
    }
  }

  /// Copies the pixels out.
  func copyOutput(to output: inout MutableSpan<UInt8>) {
    precondition(output.count <= outputCapacity, "pixels must fit in the shared memory")
    // SAFETY: the precondition bounds the copy.
    unsafe output.withUnsafeMutableBufferPointer { target in
      guard let start = target.baseAddress else { return }
      unsafe start.update(from: bytes + inputCapacity, count: target.count)
    }
  }

  /// Erases an image of so many bytes from the shared memory, and keeps at most `kept` bytes of
  /// either part.
  func wipe(inputByteCount: Int, outputByteCount: Int, kept: Int) {
    // SAFETY: `begin` and `copyOutput` have bounded the counts.
    unsafe memset(bytes, 0, min(inputByteCount, kept))
    if inputByteCount > kept {
      sandbox_memory_discard(memory, kept, inputCapacity - kept)
    }
    unsafe memset(bytes + inputCapacity, 0, min(outputByteCount, kept))
    if outputByteCount > kept {
      sandbox_memory_discard(memory, inputCapacity + kept, outputCapacity - kept)
    }
  }

  // MARK: Limits

  /// Limits it to `byteCount` bytes beyond those that it began with; false if the system refuses.
  func limit(to byteCount: Int) -> Bool {
    guard parts.contains(.memoryLimit) else { return true }
    return sandbox_process_limit(process, UInt64(baseByteCount + byteCount))
  }

  /// Gives it a lower priority from now on; `niceness` is as for `nice`.
  func yield(to niceness: CInt) { sandbox_process_yield(process, niceness) }

  /// Processor time that it has taken; nil if the system does not tell.
  var processorTime: Duration? {
    let nanoseconds = sandbox_process_time(process)
    return nanoseconds < 0 ? nil : .nanoseconds(nanoseconds)
  }
}

/// Means that confine decoders, beside being processes of their own.
package struct SandboxParts: OptionSet, Sendable {
  package let rawValue: UInt32

  package init(rawValue: UInt32) { self.rawValue = rawValue }

  /// Allows only the system calls that computing needs (seccomp).
  package static let systemCalls = SandboxParts(rawValue: UInt32(SANDBOX_SECCOMP))
  /// Allows no file, whatever the system call (Landlock).
  package static let files = SandboxParts(rawValue: UInt32(SANDBOX_LANDLOCK))
  /// Allows no more memory than granted (`RLIMIT_AS`).
  package static let memoryLimit = SandboxParts(rawValue: UInt32(SANDBOX_MEMORY_LIMIT))

  package static let all: SandboxParts = [.systemCalls, .files, .memoryLimit]

  /// Names for people.
  package var names: [String] {
    [(.systemCalls, "seccomp"), (.files, "Landlock"), (.memoryLimit, "RLIMIT_AS")]
      .compactMap { (part: SandboxParts, name: String) in contains(part) ? name : nil }
  }
}
