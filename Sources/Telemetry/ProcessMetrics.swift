import Files
import Glibc

/// Metrics that the system has of this process, under the names that every Prometheus client uses
/// (https://prometheus.io/docs/instrumenting/writing_clientlibs, "Process metrics").
package struct ProcessMetrics: Sendable {
  /// Bytes that are read of a file in /proc, 4 KiB.
  private static let fileByteLimit = 4096

  /// Start of the process in hundredths of seconds since 1970; nil where the system does not tell.
  private let startTime: Int?

  package init() { startTime = Self.startTime() }

  /// Writes the metrics, without those that cannot be read.
  package func write(to exposition: inout Exposition) {
    exposition.single(
      MetricDescription(
        .counter, "process_cpu_seconds_total", "Time that all threads have computed."),
      Self.processorMicroseconds(), decimals: 6)
    let memory = Self.numbers(of: "/proc/self/statm")
    let pageByteCount = sysconf(CInt(_SC_PAGESIZE))
    exposition.single(
      MetricDescription(.gauge, "process_virtual_memory_bytes", "Addresses in use."),
      memory.first.map { $0 * pageByteCount })
    exposition.single(
      MetricDescription(.gauge, "process_resident_memory_bytes", "Memory in use."),
      memory.dropFirst().first.map { $0 * pageByteCount })
    exposition.single(
      MetricDescription(.gauge, "process_open_fds", "Open files and sockets."),
      Self.openDescriptorCount())
    exposition.single(
      MetricDescription(.gauge, "process_max_fds", "Files and sockets that may be open."),
      Self.descriptorLimit())
    exposition.single(
      MetricDescription(
        .gauge, "process_start_time_seconds", "When the process began, since 1970-01-01 UTC."),
      startTime, decimals: 2)
  }

  private static func processorMicroseconds() -> Int? {
    var usage = rusage()
    guard unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 else { return nil }
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1_000_000
      + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec
  }

  private static func descriptorLimit() -> Int? {
    var limits = rlimit()
    guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits) == 0 else {
      return nil
    }
    return Int(clamping: limits.rlim_cur)
  }

  /// Counts open descriptors: since Linux 6.2 the folder's size says how many, before that its
  /// entries must be counted.
  private static func openDescriptorCount() -> Int? {
    let path = "/proc/self/fd"
    var status = stat()
    if unsafe stat(path, &status) == 0, status.st_size > 0 { return Int(status.st_size) }
    guard let folder = unsafe opendir(path) else { return nil }
    defer { unsafe closedir(folder) }
    var count = 0
    while unsafe readdir(folder) != nil { count += 1 }
    // `.`, `..` and the descriptor that reads the folder do not count.
    return count - 3
  }

  /// Computes the start from the ticks between it and the boot (proc(5), field 22 of `stat`).
  private static func startTime() -> Int? {
    let status = text(of: "/proc/self/stat")
    // The program's name, which stands before in parentheses, may contain anything.
    guard let name = status.lastIndex(of: ")") else { return nil }
    let fields = status[name...].split(separator: " ")
    let ticksPerSecond = sysconf(CInt(_SC_CLK_TCK))
    var now = timespec()
    var sinceBoot = timespec()
    guard fields.count > 20, let ticks = Int(fields[20]), ticksPerSecond > 0,
      unsafe clock_gettime(CLOCK_REALTIME, &now) == 0,
      unsafe clock_gettime(CLOCK_BOOTTIME, &sinceBoot) == 0
    else { return nil }
    let boot =
      (now.tv_sec - sinceBoot.tv_sec) * 100 + (now.tv_nsec - sinceBoot.tv_nsec) / 10_000_000
    return boot + ticks * 100 / ticksPerSecond
  }

  private static func numbers(of path: String) -> [Int] {
    text(of: path).split(separator: " ").compactMap { Int($0) }
  }

  /// Reads the beginning of one of the system's files; empty where it cannot be read.
  private static func text(of path: String) -> String {
    TextFile.read(path, byteLimit: fileByteLimit) ?? ""
  }
}
