import Glibc
import HTTPCore
import HTTPServer
import Synchronization
import Telemetry

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

  private let log: Log
  /// The certificate's path.
  private let file: String
  private let failures = Mutex(Failures())

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
        "warning: the TLS certificate or its key has changed and cannot be used; what was read "
          + "before stays", ["reason": .text(reason)])
    case .failed(let client, let reason): writeFailure(client, reason)
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
      "warning: the TLS certificate \(problem)",
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
      "TLS handshake failed",
      ["client": .text(client), "reason": .text(reason), "more": .integer(hiddenCount)])
  }
}
