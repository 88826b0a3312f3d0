import Glibc
import HTTPServer
import Telemetry

/// Limit of the files and sockets that the process may hold.
enum DescriptorLimit {
  /// Descriptors that the process needs besides its connections.
  private static let reserve = 64
  /// Descriptors without which a server cannot begin.
  private static let least: rlim_t = 32

  private static var limits: rlimit? {
    var limits = rlimit()
    let status = unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits)
    return status == 0 ? limits : nil
  }

  /// Throws if the hard limit leaves no room for a server.
  static func check() throws(Failure) {
    guard let limit = limits?.rlim_max, limit < least else { return }
    throw Failure(
      "the system allows this process \(limit) open files, and a server needs \(least) at least: raise the limit "
        + "(ulimit -n, LimitNOFILE of its unit)")
  }

  /// Raises the soft limit as far as the connections of the port for requests need and the hard limit
  /// allows.
  static func raise(for configuration: ServerConfiguration, log: Log) {
    guard var limits else { return }
    let connectionCount = configuration.connectionLimit + configuration.reserveLimit
    let wanted = rlim_t(connectionCount + reserve)
    guard limits.rlim_cur < wanted else { return }
    limits.rlim_cur = min(wanted, limits.rlim_max)
    let isRaised = unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits) == 0
    guard !isRaised || limits.rlim_cur < wanted else { return }
    log.write(
      "fewer connections than --connection-limit are possible: raise the limit of open files",
      as: .warning,
      ["limit": .integer(Int(clamping: limits.rlim_cur)), "wanted": .integer(Int(wanted))])
  }
}
