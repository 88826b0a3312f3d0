import Glibc
import Serving
import Telemetry

/// Settings of `resnetd serve` for clients' keys.
struct KeySettings: CommandSettings {
  /// File of keys; nil where everybody may ask.
  var file: String?

  static let options: [Option<KeySettings>] = [
    .optionalPath(
      "api-keys", "FILE", \.file,
      "clients' keys, a line `NAME sha256:DIGEST [rate=N/s]` each, without which nothing is classified; read again when it changes"
    )
  ]

  /// Returns the keys with what they are allowed; nil where everybody may ask.
  func list() throws(Failure) -> APIKeyList? {
    guard let file else { return nil }
    do throws(APIKeyList.Fault) {
      return try APIKeyList(path: file)
    } catch {
      throw Self.failure(error)
    }
  }

  /// Returns the keys of a server, which are read again by SIGHUP, and shown in its metrics.
  func keys(
    _ metrics: ServingMetrics, _ shutdown: ShutdownSignals, _ log: Log
  ) throws(Failure) -> APIKeys? {
    guard let file else { return nil }
    let keys: APIKeys
    do throws(APIKeyList.Fault) {
      keys = try APIKeys(path: file) { Self.write($0, file, log) }
    } catch {
      throw Self.failure(error)
    }
    Self.write(.read(keyCount: keys.keyCount), file, log)
    metrics.show(keys)
    shutdown.onReload(of: "the API keys") { keys.reread() }
    return keys
  }

  private static func failure(_ fault: APIKeyList.Fault) -> Failure {
    Failure("--api-keys: \(fault)")
  }

  private static func write(_ notice: APIKeys.Notice, _ file: String, _ log: Log) {
    switch notice {
    case .read(let count):
      log.write("API keys", ["file": .text(file), "keys": .integer(count)])
      var status = stat()
      if unsafe stat(file, &status) == 0, status.st_mode & 0o022 != 0 {
        log.write(
          "the file of API keys can be written by others; chmod go-w", as: .warning,
          ["file": .text(file)])
      }
    case .refused(let reason):
      log.write(
        "the file of API keys has changed and cannot be used; the keys from before stay",
        as: .warning,
        ["reason": .text(reason)])
    }
  }
}
