import Dispatch
import Glibc
import HTTPCore
import HTTPServer
import Synchronization
import Telemetry
import Time

/// Log lines about certificates and handshakes.
final class TLSLog: Sendable {
  /// Seconds before a certificate's end from which it is warned of, 14 days.
  private static let warningSeconds = 14 * 86_400
  /// Time between lines about handshakes that fail, 1 s: strangers must not fill the log.
  private static let failureInterval = Duration.seconds(1)

  private struct Failures {
    var lastLine: ContinuousClock.Instant?
    /// Failures since then that have no line.
    var hiddenCount = 0
  }

  /// Clients without a certificate that is accepted, for the audit.
  private struct Rejections {
    var lastLine: ContinuousClock.Instant?
    /// Those since then that have no line: how many, and the last of them.
    var unwritten: (count: Int, client: String, reason: String)?
    /// Whether somebody will write them.
    var isAwaited = false
  }

  private let log: Log
  /// The certificate's path.
  private let file: String
  private let failures = Mutex(Failures())
  private let rejections = Mutex(Rejections())

  init(_ log: Log, file: String) { (self.log, self.file) = (log, file) }

  func write(_ notice: TLSNotice) {
    switch notice {
    case .read(let validSeconds):
      log.write(
        "TLS certificate read",
        [
          "file": .text(file),
          "valid_until": .text(HTTPDate.text(secondsSinceEpoch: validSeconds.upperBound)),
        ])
      warn(of: validSeconds)
    case .refused(let reason):
      log.write(
        "the TLS certificate or its key has changed and cannot be used; what was read before stays",
        as: .warning, ["reason": .text(reason)])
    case .failed(let client, let reason): writeFailure(client, reason)
    case .rejected(let client, let reason):
      rejections.withLock { rejections in
        rejections.unwritten = ((rejections.unwritten?.count ?? 0) + 1, client, reason)
      }
      writeRejections()
    }
  }

  /// Warns of a certificate that is not valid now, or not for long.
  func warn(of validSeconds: ClosedRange<Int>) {
    let now = time(nil)
    let problem: String
    if now < validSeconds.lowerBound {
      problem = "is not valid yet"
    } else if now > validSeconds.upperBound {
      problem = "has expired"
    } else if validSeconds.upperBound - now < Self.warningSeconds {
      problem = "expires soon"
    } else {
      return
    }
    log.write(
      "the TLS certificate \(problem)", as: .warning,
      [
        "file": .text(file),
        "valid_from": .text(HTTPDate.text(secondsSinceEpoch: validSeconds.lowerBound)),
        "valid_until": .text(HTTPDate.text(secondsSinceEpoch: validSeconds.upperBound)),
      ])
  }

  private func writeFailure(_ client: String, _ reason: String) {
    let hiddenCount: Int? = failures.withLock { failures in
      if let last = failures.lastLine, .now - last < Self.failureInterval {
        failures.hiddenCount += 1
        return nil
      }
      defer { failures = Failures(lastLine: .now) }
      return failures.hiddenCount
    }
    guard let hiddenCount else { return }
    log.write(
      "TLS handshake failed", as: .warning,
      ["client": .text(client), "reason": .text(reason), "more": .integer(hiddenCount)])
  }

  /// Writes at most one line of the audit a second, which names the last and counts all; the last ones
  /// too, if nobody comes after them.
  private func writeRejections() {
    typealias Line = (count: Int, client: String, reason: String)
    let (line, awaits) = rejections.withLock { rejections -> (Line?, Bool) in
      guard let unwritten = rejections.unwritten else { return (nil, false) }
      if let last = rejections.lastLine, .now - last < Self.failureInterval {
        defer { rejections.isAwaited = true }
        return (nil, !rejections.isAwaited)
      }
      (rejections.lastLine, rejections.unwritten) = (.now, nil)
      return (unwritten, false)
    }
    if let line {
      log.write(
        "audit", as: .warning,
        [
          "action": .text("refused"), "by": .text("-"), "remote": .text(line.client),
          "id": .text("-"), "digest": .text("-"),
          "outcome": .text("refused: \(line.reason)"), "count": .integer(line.count),
        ])
    }
    guard awaits else { return }
    let interval = DispatchTimeInterval.nanoseconds(Self.failureInterval.nanoseconds)
    DispatchQueue.global(qos: .utility).asyncAfter(deadline: .now() + interval) { [weak self] in
      guard let self else { return }
      rejections.withLock { $0.isAwaited = false }
      writeRejections()
    }
  }
}
