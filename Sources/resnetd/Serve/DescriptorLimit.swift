import Glibc
import Telemetry

/// Limit of the files and sockets that the process may hold.
enum DescriptorLimit {
  /// Descriptors that the process needs besides its connections.
  private static let reserve = 64

  /// Raises the soft limit as far as the connections need and the hard limit allows.
  static func raise(for connectionCount: Int, log: Log) {
    var limits = rlimit()
    guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits) == 0 else {
      return
    }
    let wanted = rlim_t(connectionCount + reserve)
    guard limits.rlim_cur < wanted else { return }
    limits.rlim_cur = min(wanted, limits.rlim_max)
    let isRaised = unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits) == 0
    guard !isRaised || limits.rlim_cur < wanted else { return }
    log.write(
      "fewer connections than --connection-limit are possible: raise the limit of open files",
      ["limit": .integer(Int(clamping: limits.rlim_cur)), "wanted": .integer(Int(wanted))])
  }
}
