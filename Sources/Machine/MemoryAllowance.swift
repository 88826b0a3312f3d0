import Files
import Glibc

/// Memory that this process may take.
package enum MemoryAllowance {
  /// Bytes that neither the system nor a control group would refuse at present; nil if neither
  /// tells.
  package static var available: Int? {
    let system =
      TextFile.read("/proc/meminfo").flatMap(available(memoryInformation:))
      ?? systemMemory(_SC_AVPHYS_PAGES)
    return [system, groups.availableMemory { TextFile.read($0) }].compactMap(\.self).min()
  }

  /// Bytes of addresses that the process may still take (`ulimit -v`); nil without such a limit.
  package static var addressSpace: Int? {
    var limit = rlimit()
    guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0,
      limit.rlim_cur < rlim_t(Int.max)
    else { return nil }
    let taken = TextFile.read("/proc/self/status").flatMap { byteCount("VmSize", in: $0) } ?? 0
    return max(0, Int(limit.rlim_cur) - taken)
  }

  /// Bytes in all: the least limit of a control group, or the machine's memory; nil if neither is
  /// known.
  package static var limit: Int? {
    let system =
      TextFile.read("/proc/meminfo").flatMap { byteCount("MemTotal", in: $0) }
      ?? systemMemory(_SC_PHYS_PAGES)
    return [system, groups.memoryLimit { TextFile.read($0) }].compactMap(\.self).min()
  }

  /// Bytes of memory that this process holds at present, including pages of its program and
  /// libraries; nil if the system does not tell.
  package static var resident: Int? {
    TextFile.read("/proc/self/status").flatMap { byteCount("VmRSS", in: $0) } ?? mostResident
  }

  /// Returns the bytes of the machine's memory without `/proc`.
  private static func systemMemory(_ pages: Int) -> Int? {
    let (count, size) = (sysconf(CInt(pages)), sysconf(CInt(_SC_PAGESIZE)))
    return count > 0 && size > 0 ? count * size : nil
  }

  /// Most bytes that this process has ever held.
  private static var mostResident: Int? {
    var usage = rusage()
    guard unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 else { return nil }
    return usage.ru_maxrss * 1024
  }

  /// Whether there is `/proc`; without it, limits are those of the machine and of a container's own
  /// group.
  package static var isKnown: Bool { TextFile.read("/proc/self/status") != nil }

  private static var groups: ControlGroups { .own(controller: "memory") { TextFile.read($0) } }

  /// Reads the available bytes from the contents of `/proc/meminfo`.
  package static func available(memoryInformation: String) -> Int? {
    byteCount("MemAvailable", in: memoryInformation)
  }

  private static func byteCount(_ name: String, in memoryInformation: String) -> Int? {
    let line = memoryInformation.split(separator: "\n").first { $0.hasPrefix("\(name):") }
    let fields = line?.split(whereSeparator: \.isWhitespace) ?? []
    guard fields.count == 3, fields[2] == "kB", let count = Int(fields[1]), count >= 0 else {
      return nil
    }
    let (bytes, overflow) = count.multipliedReportingOverflow(by: 1024)
    return overflow ? nil : bytes
  }
}
