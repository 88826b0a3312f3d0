import CSockets
import Dispatch
import Glibc
import HTTPServer
import Inference
import Time

/// What a service manager such as systemd has told the process, and is told by it: sockets to
/// listen on (sd_listen_fds(3)), readiness and signs of life (sd_notify(3)).
final class ServiceManager: Sendable {
  /// Sockets for the listeners.
  struct Listeners: Sendable, Equatable {
    /// For requests.
    var requests: CInt?
    var admin: CInt?
    var metrics: CInt?
  }

  /// First descriptor that is passed.
  private static let firstDescriptor: CInt = 3
  /// Descriptors that may be passed.
  private static let descriptorLimit: CInt = 3
  /// Signs of life within the time after which the process would be ended.
  private static let signCount = 3

  let listeners: Listeners
  /// Path of the socket that is told; nil if nobody listens.
  private let address: String?
  /// Time after which the process is ended without a sign of life; nil if none is expected.
  private let patience: Duration?

  /// Reads the variables, of which programs that are started get none.
  init() throws(UsageError) {
    func taken(_ name: String) -> String? {
      // SAFETY: called before there are other threads; the string is copied.
      let value = unsafe getenv(name).map { unsafe String(cString: $0) }
      unsafe unsetenv(name)
      return value.flatMap { $0.isEmpty ? nil : $0 }
    }
    let isMeant = { (pid: String?) in pid.flatMap { pid_t($0) } == getpid() }
    address = taken("NOTIFY_SOCKET").flatMap { $0.hasPrefix("/") || $0.hasPrefix("@") ? $0 : nil }
    let microseconds = taken("WATCHDOG_USEC").flatMap { Int64($0) } ?? 0
    let watchdog = taken("WATCHDOG_PID")
    patience =
      microseconds > 0 && (watchdog == nil || isMeant(watchdog))
      ? .microseconds(microseconds) : nil
    let (process, count) = (taken("LISTEN_PID"), taken("LISTEN_FDS").flatMap { CInt($0) } ?? 0)
    let names = taken("LISTEN_FDNAMES") ?? ""
    listeners = isMeant(process) ? try Self.listeners(count, names) : Listeners()
  }

  private static func listeners(_ count: CInt, _ names: String) throws(UsageError) -> Listeners {
    guard 0...descriptorLimit ~= count else {
      throw UsageError(
        "the service manager passes \(count) sockets; at most \(descriptorLimit) have a use: for "
          + "requests, and by FileDescriptorName `admin` and `metrics`")
    }
    let names = names.split(separator: ":", omittingEmptySubsequences: false)
    var listeners = Listeners()
    for index in 0..<Int(count) {
      let descriptor = firstDescriptor + CInt(index)
      let name = names.indices.contains(index) ? names[index] : ""
      let path: WritableKeyPath<Listeners, CInt?> =
        switch name {
        case "admin": \.admin
        case "metrics": \.metrics
        default: \.requests
        }
      guard listeners[keyPath: path] == nil else {
        throw UsageError(
          "the service manager passes two sockets for one listener; name them by "
            + "FileDescriptorName: admin, metrics, and any other for requests")
      }
      listeners[keyPath: path] = descriptor
    }
    return listeners
  }

  /// Tells the manager something, such as `READY=1`; whether it hears is its own affair.
  func tell(_ state: String) {
    guard let address else { return }
    let bytes = Array(state.utf8)
    _ = unsafe sockets_datagram_send(address, bytes, bytes.count)
  }

  /// Gives signs of life for as long as the process runs and the server takes turns; workers that
  /// are stuck have a watch of their own, which ends the process.
  func watch(_ server: HTTPServer) {
    guard let patience, address != nil else { return }
    let interval = patience / Self.signCount
    // It must not keep the server, and with it all workers, from being released at the end.
    WorkerThread { [self, weak server] in
      let never = DispatchSemaphore(value: 0)
      while let takesTurns = server.map({ $0.takesTurns(within: interval) }) {
        if takesTurns { tell("WATCHDOG=1") }
        _ = never.wait(for: interval)
      }
    }?.detach()
  }
}
