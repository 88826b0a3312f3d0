import Files
package import HTTPCore
import Synchronization
import Telemetry

/// The clients' keys of a running server, in a file that is read again when it changes.
package final class APIKeys: Sendable {
  /// What became of the file.
  package enum Notice: Sendable {
    case read(keyCount: Int)
    /// It has changed and cannot be used; the keys from before stay.
    case refused(reason: String)
  }

  /// Time for which the file is taken to be as it was when last looked at, 1 s.
  private static let lookInterval = Duration.seconds(1)

  private struct State {
    var keys: [APIKey]
    /// Digests of the keys, at the same places.
    var digests: [KeyDigest]
    /// State of the file, also of one that could not be used.
    var stamp: FileStamp?
    var lookedAt: ContinuousClock.Instant
    /// Whether the keys are those of the file as it is now.
    var isCurrent = true

    init(_ keys: [APIKey], _ stamp: FileStamp?, at now: ContinuousClock.Instant) {
      (self.keys, self.stamp, lookedAt) = (keys, stamp, now)
      digests = keys.map(\.entry.digest)
    }
  }

  package let path: String
  private let state: Mutex<State>
  private let refusals = Counters<KeyRefusal>(
    "resnetd_api_key_refused_total", "Requests without a key that is known, by reason.")
  private let report: @Sendable (Notice) -> Void

  /// Reads the file.
  ///
  /// - Parameter report: Called with what becomes of the file later.
  package init(
    path: String, report: @escaping @Sendable (Notice) -> Void
  ) throws(APIKeyList.Fault) {
    (self.path, self.report) = (path, report)
    // Before it is read: a change between the two counts as another change.
    let stamp = FileStamp(path)
    let list = try APIKeyList(path: path)
    state = Mutex(State(list.entries.map { APIKey($0) }, stamp, at: .now))
  }

  package var keyCount: Int { state.withLock(\.keys.count) }

  /// Whether the keys are those of the file as it was when last looked at.
  package var isCurrent: Bool { state.withLock(\.isCurrent) }

  // MARK: Requests

  /// Returns the key that a request shows. Throws if it shows none that is known.
  ///
  /// - Parameter now: Time of the request; the file is looked at where the last look is long ago.
  package func admit(
    _ fields: HeaderFields, at now: ContinuousClock.Instant
  ) throws(Problem) -> APIKey {
    let digest: KeyDigest
    do throws(Problem) {
      let shown = try ShownKey.of(fields)
      do throws(DigestError) { digest = try KeyDigest(of: shown) } catch { throw .overloaded }
    } catch {
      if let reason = KeyRefusal(error.kind) { refusals.add(reason) }
      throw error
    }
    guard let key = find(digest, at: now) else {
      refusals.add(.unknown)
      throw ShownKey.unknown
    }
    return key
  }

  /// Finds a key among all of them, in a time that depends on their number alone.
  private func find(_ digest: KeyDigest, at now: ContinuousClock.Instant) -> APIKey? {
    let (keys, digests) = current(at: now)
    var found: Int?
    for index in digests.indices where digests[index].difference(from: digest) == 0 {
      found = index
    }
    return found.map { keys[$0] }
  }

  // MARK: The file

  /// Reads the file now, whether it has changed or not. Returns whether its keys hold.
  @discardableResult
  package func reread() -> Bool {
    let notice = state.withLock { state in read(&state, FileStamp(path)) }
    report(notice)
    if case .read = notice { return true }
    return false
  }

  private func current(at now: ContinuousClock.Instant) -> ([APIKey], [KeyDigest]) {
    let (keys, digests, notice) = state.withLock { state -> ([APIKey], [KeyDigest], Notice?) in
      var notice: Notice?
      if now - state.lookedAt >= Self.lookInterval {
        state.lookedAt = now
        let stamp = FileStamp(path)
        if stamp != state.stamp { notice = read(&state, stamp) }
      }
      return (state.keys, state.digests, notice)
    }
    if let notice { report(notice) }
    return (keys, digests)
  }

  private func read(_ state: inout State, _ stamp: FileStamp?) -> Notice {
    do throws(APIKeyList.Fault) {
      let list = try APIKeyList(path: path)
      state = State(Self.keys(list, after: state.keys), stamp, at: state.lookedAt)
      return .read(keyCount: state.keys.count)
    } catch {
      state.stamp = stamp
      state.isCurrent = false
      return .refused(reason: error.description)
    }
  }

  /// Returns the keys of a list; those that have not changed go on as they are, their rates included.
  private static func keys(_ list: APIKeyList, after former: [APIKey]) -> [APIKey] {
    let known = Dictionary(former.map { ($0.name, $0) }) { first, _ in first }
    return list.entries.map { entry in
      guard let key = known[entry.name] else { return APIKey(entry) }
      return key.entry == entry ? key : APIKey(entry, key.counts)
    }
  }

  // MARK: Metrics

  private static let requests = MetricDescription(
    .counter, "resnetd_api_key_requests_total",
    "Requests with images by key: admitted at the head, or limited by the key's rate.")
  private static let images = MetricDescription(
    .counter, "resnetd_api_key_images_total", "Images in the bodies of a key's requests.")
  private static let currency = MetricDescription(
    .gauge, "resnetd_api_keys_current",
    "Whether the keys are those of their file: 0 while it cannot be used.")

  /// Writes the counts of all keys, of which the file may have `APIKeyList.keyLimit`.
  func write(to exposition: inout Exposition) {
    let (keys, isCurrent) = state.withLock { ($0.keys, $0.isCurrent) }
    exposition.begin(Self.requests)
    for key in keys {
      let counts = key.counts
      let (admitted, limited) = (
        counts.admitted.load(ordering: .relaxed), counts.limited.load(ordering: .relaxed)
      )
      exposition.sample([("key", key.name), ("result", "admitted")], admitted)
      exposition.sample([("key", key.name), ("result", "limited")], limited)
    }
    exposition.begin(Self.images)
    for key in keys {
      exposition.sample([("key", key.name)], key.counts.images.load(ordering: .relaxed))
    }
    refusals.write(to: &exposition)
    exposition.single(Self.currency, isCurrent ? 1 : 0)
  }
}

/// Reason why a request is refused for its key.
enum KeyRefusal: String, MetricLabel {
  case missing, malformed, unknown

  static let labelName = "reason"

  init?(_ kind: ProblemKind) {
    switch kind {
    case .apiKeyMissing: self = .missing
    case .apiKeyMalformed: self = .malformed
    case .apiKeyUnknown: self = .unknown
    default: return nil
    }
  }
}
