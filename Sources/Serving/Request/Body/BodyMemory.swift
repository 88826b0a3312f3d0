package import HTTPCore
package import Machine
import Synchronization

/// The part of the memory budget for bodies: while they arrive, while they wait, until they are
/// answered.
///
///     what passes ┬ 1/2  bodies over `smallBodyByteLimit`, all of them together
///                 ├ 1/4  small bodies alone; the half too, if large ones leave some of it
///                 └ 1/4  never bodies: decoding, a model that is being proved
///
/// So large bodies, arriving however slowly, leave room for small ones, and bodies leave room for
/// work on them.
package final class BodyMemory: Sendable {
  /// Largest small body, with a part of the budget that large ones cannot take: 1 MiB.
  package static let smallBodyByteLimit = 1 << 20

  private struct Held {
    var all = 0
    var large = 0
  }

  /// The budget of which it is a part.
  let budget: MemoryBudget
  private let buffers: KeptBuffers
  /// Memory of `buffers`.
  private let reservation: Reservation?
  private let held = Mutex(Held())

  /// - Parameter keptByteLimit: Bytes of buffers that are kept from one body to the next, taken
  ///   from the budget for good.
  package init(_ budget: MemoryBudget, keptByteLimit: Int = 0) {
    self.budget = budget
    reservation = budget.reserve(keptByteLimit, isLasting: true, use: .program)
    buffers = KeptBuffers(byteLimit: reservation?.byteCount ?? 0)
  }

  /// Gives the kept buffers back.
  package func releaseBuffers() { buffers.removeAll() }

  /// Bytes of the largest body that can ever fit.
  package var largestBodyByteCount: Int {
    max(largeByteLimit, min(Self.smallBodyByteLimit, byteLimit))
  }

  /// Bytes that bodies hold now.
  package var heldByteCount: Int { held.withLock { $0.all } }

  private var byteLimit: Int { budget.largestByteCount / 4 * 3 }
  private var largeByteLimit: Int { budget.largestByteCount / 2 }

  /// Throws the problem to answer with if a body of this length cannot fit now, or ever.
  package func check(length: Int) throws(Problem) {
    guard length <= largestBodyByteCount else { throw problem(ofLength: length) }
    let isPossible = held.withLock { fits($0, from: 0, to: length) }
    guard isPossible, length <= budget.freeByteCount else { throw .overloaded }
  }

  /// Returns the hold of a body that has yet to arrive; `refuse` makes the answer if it finds no
  /// room later.
  package func hold(refuse: @escaping @Sendable (Problem) -> Response) -> any BodyHold {
    HeldBody(self, refuse)
  }

  /// Returns the problem of a body of this length that does not fit, at the moment or ever.
  func problem(ofLength length: Int) -> Problem {
    guard length > largestBodyByteCount else { return .overloaded }
    return Problem(
      413, .bodyTooLarge,
      "a body of \(length) bytes or more does not fit into this server's memory; "
        + "at most \(largestBodyByteCount) are possible")
  }

  private func fits(_ held: Held, from old: Int, to new: Int) -> Bool {
    let others = held.all - old
    guard others + new <= byteLimit else { return false }
    guard Self.isLarge(new) else { return true }
    return held.large - (Self.isLarge(old) ? old : 0) + new <= largeByteLimit
  }

  private static func isLarge(_ byteCount: Int) -> Bool { byteCount > smallBodyByteLimit }

  /// Part of one body; given back when the last reference is gone.
  private final class HeldBody: BodyHold {
    private let memory: BodyMemory
    private let refuse: @Sendable (Problem) -> Response
    private let reservation = Mutex<Reservation?>(nil)

    init(_ memory: BodyMemory, _ refuse: @escaping @Sendable (Problem) -> Response) {
      self.memory = memory
      self.refuse = refuse
    }

    deinit { _ = change(to: 0) }

    func hold(_ byteCount: Int) -> Bool { change(to: byteCount) }

    func refusal(of byteCount: Int) -> Response { refuse(memory.problem(ofLength: byteCount)) }

    func takeBuffer(capacity: Int) -> [UInt8]? {
      guard let buffer = memory.buffers.take(capacity: capacity) else { return nil }
      guard change(to: buffer.capacity) else {
        memory.buffers.keep(buffer)
        return nil
      }
      return buffer
    }

    func keepBuffer(_ buffer: consuming [UInt8]) { memory.buffers.keep(buffer) }

    private func change(to new: Int) -> Bool {
      reservation.withLock { reservation in
        let old = reservation?.byteCount ?? 0
        return memory.held.withLock { held in
          guard new < old || memory.fits(held, from: old, to: new) else { return false }
          if let reservation {
            guard reservation.resize(to: new) else { return false }
          } else {
            guard let made = memory.budget.reserve(new, use: .bodies) else { return false }
            reservation = made
          }
          held.all += new - old
          held.large += (isLarge(new) ? new : 0) - (isLarge(old) ? old : 0)
          return true
        }
      }
    }
  }
}
