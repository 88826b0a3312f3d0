import Synchronization

/// Counts those who were refused: for the audit, which a flood must not fill, and to turn away who tries again and again.
///
/// What shows the right token passes at once, whoever else has failed from its address: a client that was turned away
/// costs itself a connection for each further try, and nobody else anything.
final class RefusedTokens: Sendable {
  /// Failures of one address that are answered plainly.
  static let freeFailureCount = 5
  /// Addresses that are remembered; of more the one longest silent is forgotten.
  static let addressLimit = 1024
  /// What the first failure beyond the free ones must wait; doubled for each further one.
  static let firstPause = Duration.seconds(1)
  static let longestPause = Duration.seconds(60)
  /// Silence after which an address's failures are forgotten.
  static let forgetfulness = Duration.seconds(600)
  /// Between two lines of the audit.
  static let lineInterval = Duration.seconds(1)

  private struct Failures {
    var count = 0
    var last: ContinuousClock.Instant
  }

  private struct State {
    var addresses: [String: Failures] = [:]
    /// Since the last line.
    var unwrittenCount = 0
    var lastLine: ContinuousClock.Instant?
  }

  private let state = Mutex(State())

  /// Somebody was refused. Returns the pause that is asked of them; nil for none.
  ///
  /// - Parameter address: As a connection shows it; ports are left out.
  func refused(from address: String, at now: ContinuousClock.Instant) -> Duration? {
    let address = Self.host(of: address)
    return state.withLock { state in
      state.unwrittenCount += 1
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
      let beyond = failures.count - Self.freeFailureCount
      guard beyond > 0 else { return nil }
      return min(Self.firstPause * (1 << min(beyond - 1, 6)), Self.longestPause)
    }
  }

  /// Somebody from there showed the right token.
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

  /// How many refusals the line tells of that is to be written now; nil while one was written just before.
  func lineCount(at now: ContinuousClock.Instant) -> Int? {
    state.withLock { state in
      guard state.unwrittenCount > 0,
        state.lastLine.map({ now - $0 >= Self.lineInterval }) ?? true
      else { return nil }
      defer { (state.unwrittenCount, state.lastLine) = (0, now) }
      return state.unwrittenCount
    }
  }
}
