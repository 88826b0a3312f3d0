internal import CSandbox
import Glibc
import Synchronization

/// The process that forks decoders: a copy of this program from before it had read anything.
///
/// It ends when this process does, or when this object is released. Any thread may ask it; they
/// take turns.
package final class Spawner: Sendable {
  private let control: CInt
  private let process: pid_t
  /// Held while a thread asks, which may take seconds if the process does not answer.
  private let turn = Mutex(())
  /// Whether the process has ended; apart from `turn`, for threads that ask it must not wait.
  private let hasEnded = Atomic(false)

  private init(control: CInt, process: pid_t) {
    self.control = control
    self.process = process
  }

  /// Whether this build can have a spawner: one with a sanitizer cannot.
  package static var isPossible: Bool { sandbox_is_possible() }

  /// Forks the process. Call it first of all: while there is one thread, and before the environment
  /// or a file is read.
  ///
  /// Returns nil if the system refuses, and in builds with a sanitizer.
  package static func start() -> Spawner? {
    guard isPossible else { return nil }
    var process = pid_t()
    let control = unsafe sandbox_spawner_start(
      { DecodingLoop.warmUp() },
      { channel, memory, count in
        // SAFETY: the memory is mapped for the life of this process.
        var loop = unsafe DecodingLoop(
          channel: channel, UnsafeMutableRawBufferPointer(start: memory, count: count))
        loop.run()
      }, &process)
    return control < 0 ? nil : Spawner(control: control, process: process)
  }

  /// Ends the process, and its decoders with it.
  deinit {
    close(control)
    _ = waitpid(process, nil, 0)
  }

  /// Whether it has ended, so that no decoder can be started any more.
  package var isLost: Bool { hasEnded.load(ordering: .relaxed) }

  /// ID of its process, for tests and for people.
  package var identifier: Int { Int(process) }

  /// Forks a decoder with that end of a channel and that memory; nil if the system refuses.
  func fork(
    channel: CInt, memory: CInt, memoryByteCount: Int, byteLimit: Int
  ) -> pid_t? {
    ask { () -> pid_t? in
      let decoder = sandbox_spawner_fork(control, channel, memory, memoryByteCount, byteLimit)
      return decoder < 0 ? nil : decoder
    }
  }

  /// Reaps a decoder that has ended or been killed, and returns the signal that ended it, 0 for
  /// none.
  func reap(_ decoder: pid_t) -> Int {
    ask { () -> Int? in
      var status: CInt = 0
      guard unsafe sandbox_spawner_reap(control, decoder, &status) == 0 else { return nil }
      return Int(sandbox_status_signal(status))
    } ?? 0
  }

  private func ask<Answer: Sendable>(_ body: () -> Answer?) -> Answer? {
    turn.withLock { _ in
      guard !isLost else { return nil }
      let answer = body()
      // After a timeout, a late answer would be taken for the answer to the next question.
      if answer == nil, errno == EPIPE || errno == ETIMEDOUT {
        hasEnded.store(true, ordering: .relaxed)
      }
      return answer
    }
  }
}
