import CSockets
import Dispatch

/// Watch over sockets that calls back on a queue for each that is ready.
///
/// One Dispatch source stands for all sockets of an event loop, by way of epoll: a source per
/// socket costs several switches between threads for each request. Everything but `init` and
/// `start` is called on the queue: hence `@unchecked Sendable`.
@safe
final class Poller: @unchecked Sendable {
  struct Readiness: OptionSet, Sendable {
    let rawValue: UInt32

    static let readable = Readiness(rawValue: UInt32(SOCKETS_READABLE))
    static let writable = Readiness(rawValue: UInt32(SOCKETS_WRITABLE))
    /// The peer has broken off, or both sides have finished.
    static let broken = Readiness(rawValue: UInt32(SOCKETS_BROKEN))
  }

  /// Events of one round, 16; others are seen in the next one.
  private static let capacity = 16
  /// Time for which events are served before the queue's other work, such as new connections, has
  /// its turn, 250 µs.
  private static let turnLimit = Duration.microseconds(250)

  private let descriptor: Descriptor
  private let queue: DispatchQueue
  private var isPolling = false
  private var isRoundQueued = false
  private var onReady: (CInt, Readiness) -> Void = { _, _ in }
  private var onRound: () -> Bool = { false }
  private let source: any DispatchSourceRead
  private let events = UnsafeMutablePointer<sockets_event>.allocate(capacity: Poller.capacity)

  init(queue: DispatchQueue) throws(ServerError) {
    descriptor = Descriptor(try Socket.poller())
    self.queue = queue
    source = DispatchSource.makeReadSource(fileDescriptor: descriptor.number, queue: queue)
    source.setCancelHandler { [descriptor] in withExtendedLifetime(descriptor) {} }
  }

  deinit {
    source.cancel()
    unsafe events.deallocate()
  }

  /// Begins to watch; must be called once before the poller is released.
  ///
  /// - Parameter onRound: Called after each round of events, for connections that have yielded;
  ///   whether it wants another round.
  func start(
    _ onReady: @escaping (CInt, Readiness) -> Void, onRound: @escaping () -> Bool
  ) {
    self.onReady = onReady
    self.onRound = onRound
    source.setEventHandler { [weak self] in self?.poll() }
    source.resume()
  }

  /// Queues a round, also where no descriptor is ready.
  func wantRound() {
    // One at a time: each would ask for a next one, and the queue's other work would wait for all.
    guard !isPolling, !isRoundQueued else { return }
    isRoundQueued = true
    queue.async { [weak self] in
      self?.isRoundQueued = false
      self?.poll()
    }
  }

  /// Begins to watch a descriptor; false where the system cannot.
  func add(_ descriptor: CInt, _ readiness: Readiness) -> Bool {
    sockets_poller_add(self.descriptor.number, descriptor, readiness.rawValue) == 0
  }

  /// Changes the readiness that a descriptor is watched for.
  func change(_ descriptor: CInt, _ readiness: Readiness) {
    _ = sockets_poller_change(self.descriptor.number, descriptor, readiness.rawValue)
  }

  /// Ends the watch over a descriptor, which stays open.
  func remove(_ descriptor: CInt) {
    _ = sockets_poller_remove(self.descriptor.number, descriptor)
  }

  private func poll() {
    isPolling = true
    let end = ContinuousClock.now + Self.turnLimit
    var wantsRound = true
    while wantsRound, .now < end {
      let count = Int(
        unsafe sockets_poller_events(descriptor.number, events, CInt(Self.capacity)))
      // All of them: otherwise the system would report the same first ones again.
      for index in 0..<count {
        // SAFETY: the system has just filled in so many.
        let event = unsafe events[index]
        onReady(event.descriptor, Readiness(rawValue: event.readiness))
      }
      let hasYielded = onRound()
      wantsRound = count > 0 || hasYielded
    }
    isPolling = false
    if wantsRound { wantRound() }
  }
}
