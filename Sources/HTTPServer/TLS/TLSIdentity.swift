import Files
import Synchronization

/// What became of the files of an identity.
package enum TLSNotice: Sendable {
  /// They have been read, and new connections are shown them.
  case read(validSeconds: ClosedRange<Int>)
  /// They have changed and cannot be used; new connections are shown what was there before.
  case refused(reason: String)
  /// A handshake has failed otherwise than by a client that has gone.
  case failed(client: String, reason: String)
  /// A client has shown no certificate, or one that is not accepted.
  case rejected(client: String, reason: String)
}

/// The certificate by which a server shows who it is, in files that are read again when they
/// change.
package final class TLSIdentity: Sendable {
  /// Files of an identity.
  package struct Paths: Sendable, Equatable {
    package var certificates: String
    package var key: String
    package var clientAuthorities: String?

    package init(certificates: String, key: String, clientAuthorities: String? = nil) {
      (self.certificates, self.key) = (certificates, key)
      self.clientAuthorities = clientAuthorities
    }

    var all: [String] { [certificates, key] + (clientAuthorities.map { [$0] } ?? []) }
  }

  /// Time for which files are taken to be as they were when last looked at, 1 s.
  private static let lookInterval = Duration.seconds(1)

  private struct State {
    var context: TLSContext
    /// States of the files, also of such as could not be used.
    var stamps: [FileStamp?]
    var lookedAt: ContinuousClock.Instant
  }

  package let paths: Paths
  private let clientNames: [String]
  private let state: Mutex<State>
  private let counts = TLSCounts()
  private let report: @Sendable (TLSNotice) -> Void

  /// Reads the files.
  ///
  /// - Parameters:
  ///   - clientNames: Common or alternative names of which a client's certificate has to bear one;
  ///     none where any that the authorities have certified will do.
  ///   - report: Called with what becomes of the files later, and of handshakes that fail.
  package init(
    _ paths: Paths, clientNames: [String] = [], report: @escaping @Sendable (TLSNotice) -> Void
  ) throws(TLSFileFault) {
    (self.paths, self.clientNames, self.report) = (paths, clientNames, report)
    let stamps = Self.stamps(paths)
    let context = try Self.context(paths, clientNames)
    state = Mutex(State(context: context, stamps: stamps, lookedAt: .now))
  }

  /// Seconds since 1970 within which the certificate is valid.
  package var validSeconds: ClosedRange<Int> { state.withLock(\.context.validity) }

  /// Handshakes that have succeeded and failed.
  package var handshakeCounts: (done: Int, failed: Int) { counts.values }

  /// Reads the files now, whether they have changed or not. Returns whether they hold.
  package func reread() -> Bool {
    let notice = state.withLock { state in reread(&state, Self.stamps(paths)) }
    report(notice)
    if case .read = notice { return true }
    return false
  }

  /// Returns what new connections are shown.
  func current() -> TLSContext {
    let (context, notice) = state.withLock { state -> (TLSContext, TLSNotice?) in
      guard .now - state.lookedAt >= Self.lookInterval else { return (state.context, nil) }
      state.lookedAt = .now
      let stamps = Self.stamps(paths)
      guard stamps != state.stamps else { return (state.context, nil) }
      let notice = reread(&state, stamps)
      return (state.context, notice)
    }
    if let notice { report(notice) }
    return context
  }

  func handshakeDone() { counts.addDone() }

  /// - Parameter reason: Nil where the client has gone, as probes of a port do.
  func handshakeFailed(_ client: String, reason: String?) {
    counts.addFailed()
    if let reason { report(.failed(client: client, reason: reason)) }
  }

  func handshakeRejected(_ client: String, reason: String) {
    counts.addFailed()
    report(.rejected(client: client, reason: reason))
  }

  // A certificate and its key are seldom replaced at the same instant: what does not fit together
  // now is looked at again with the next change.
  private func reread(_ state: inout State, _ stamps: [FileStamp?]) -> TLSNotice {
    state.stamps = stamps
    do throws(TLSFileFault) {
      let context = try Self.context(paths, clientNames)
      state.context = context
      return .read(validSeconds: context.validity)
    } catch {
      return .refused(reason: error.description)
    }
  }

  private static func stamps(_ paths: Paths) -> [FileStamp?] { paths.all.map(FileStamp.init) }

  private static func context(
    _ paths: Paths, _ clientNames: [String]
  ) throws(TLSFileFault) -> TLSContext {
    var credentials = TLSCredentials(
      certificates: try read(paths.certificates), key: try read(paths.key))
    if let path = paths.clientAuthorities {
      credentials.clientAuthorities = try read(path, limit: TLSCredentials.authoritiesByteLimit)
    }
    credentials.clientNames = clientNames
    do throws(TLSFault) {
      return try TLSContext(credentials)
    } catch {
      throw .unusable(paths: paths.all, error)
    }
  }

  private static func read(
    _ path: String, limit: Int = TLSCredentials.fileByteLimit
  ) throws(TLSFileFault) -> [UInt8] {
    do throws(FileError) {
      return try RegularFile(path).readAll(limit: limit)
    } catch {
      throw .unreadable(error.description)
    }
  }
}

/// Reason for which the files of an identity cannot be used.
package enum TLSFileFault: Error, CustomStringConvertible {
  case unreadable(String)
  case unusable(paths: [String], TLSFault)

  package var description: String {
    switch self {
    case .unreadable(let reason): reason
    case .unusable(let paths, let fault): "\(fault) (\(paths.joined(separator: ", ")))"
    }
  }
}

/// Counts of handshakes, over all listeners that show an identity.
private final class TLSCounts: Sendable {
  private let done = Atomic(0)
  private let failed = Atomic(0)

  var values: (done: Int, failed: Int) {
    (done.load(ordering: .relaxed), failed.load(ordering: .relaxed))
  }

  func addDone() { done.wrappingAdd(1, ordering: .relaxed) }
  func addFailed() { failed.wrappingAdd(1, ordering: .relaxed) }
}
