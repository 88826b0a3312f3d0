import Synchronization

/// Counts refused clients: for the audit, which a flood must not fill, and to reject those who try
/// again and again.
///
/// A request with the right token passes at once, whoever else has failed from its address. A
/// rejected client spends a connection on each further try, and costs nobody else anything.
final class RefusedTokens: Sendable {
  /// Failures of one address that are answered without a pause.
  static let freeFailureCount = 5
  /// Addresses that are remembered; beyond that, the one silent for longest is forgotten.
  static let addressLimit = 1024
  /// Pause after the first failure beyond the free ones; doubled for each further one.
  static let firstPause = Duration.seconds(1)
  static let longestPause = Duration.seconds(60)
  /// Silence after which an address's failures are forgotten.
  static let forgetfulness = Duration.seconds(600)
  /// Time between two lines of the audit.
  static let lineInterval = Duration.seconds(1)

  private struct Failures {
    var count = 0
    var last: ContinuousClock.Instant

    /// Pause after the last of them, or nil for none.
    var pause: Duration? {
      let beyond = count - freeFailureCount
      guard beyond > 0 else { return nil }
      return min(firstPause * (1 << min(beyond - 1, 6)), longestPause)
    }
  }

  private struct State {
    var addresses: [String: Failures] = [:]
    /// Refusals since the last line.
    var unwritten: Line?
    var lastLine: ContinuousClock.Instant?
    /// Whether somebody will look for refusals that are not written yet.
    var isAwaited = false
  }

  /// Refusals for a line of the audit: how many, and the last of them.
  struct Line: Sendable, Equatable {
    var count: Int
    /// Identity of the request.
    var id: String
    /// Address that it came from.
    var address: String
  }

  private let state = Mutex(State())

  /// Counts a refusal. Returns the pause that the client should make, or nil for none.
  ///
  /// - Parameters:
  ///   - id: Identity of the request.
  ///   - address: As a connection shows it; ports are left out.
  func refused(
    _ id: String, from address: String, at now: ContinuousClock.Instant
  ) -> Duration? {
    let place = address
    let address = Self.host(of: address)
    return state.withLock { state in
      state.unwritten = Line(count: (state.unwritten?.count ?? 0) + 1, id: id, address: place)
      if state.addresses[address] == nil, state.addresses.count >= Self.addressLimit,
        let silent = state.addresses.min(by: { $0.value.last < $1.value.last })
      {
        state.addresses[silent.key] = nil
      }
      var failures = state.addresses[address] ?? Failures(last: now)
      if now - failures.last > Self.forgetfulness { failures.count = 0 }
      failures.count += 1
      failures.last = now
      state.addresses[address] = failures
      return failures.pause
    }
  }

  /// Returns the pause after the last refusal of an address that is not over yet, or nil if there is
  /// none.
  func pauseLeft(for address: String, at now: ContinuousClock.Instant) -> Duration? {
    let failures = state.withLock { $0.addresses[Self.host(of: address)] }
    guard let failures, let pause = failures.pause, now - failures.last < pause else { return nil }
    return pause - (now - failures.last)
  }

  /// Notes that a client at this address has shown the right token.
  func admitted(from address: String) {
    let address = Self.host(of: address)
    state.withLock { $0.addresses[address] = nil }
  }

  private static func host(of address: String) -> String {
    guard !address.hasPrefix("unix:"), let colon = address.lastIndex(of: ":") else {
      return address
    }
    return String(address[..<colon])
  }

  /// Returns the refusals for a line to be written now, or nil if there are none or one was just
  /// written.
  func line(at now: ContinuousClock.Instant) -> Line? {
    state.withLock { state in
      guard let line = state.unwritten,
        state.lastLine.map({ now - $0 >= Self.lineInterval }) ?? true
      else { return nil }
      (state.unwritten, state.lastLine) = (nil, now)
      return line
    }
  }

  /// Returns whether the caller should look for a line after `lineInterval`: there are refusals that
  /// are not written, and nobody else will.
  func beginAwaiting() -> Bool {
    state.withLock { state in
      guard state.unwritten != nil, !state.isAwaited else { return false }
      state.isAwaited = true
      return true
    }
  }

  func endAwaiting() { state.withLock { $0.isAwaited = false } }
}
