import Glibc

/// How much memory this process may take.
package enum MemoryAllowance {
  /// Bytes that neither the system nor a control group would refuse now; nil where nothing tells.
  package static var available: Int? {
    let system =
      TextFile.read("/proc/meminfo").flatMap(available(memoryInformation:))
      ?? systemMemory(_SC_AVPHYS_PAGES)
    return [system, groups.availableMemory { TextFile.read($0) }].compactMap(\.self).min()
  }

  /// Bytes in all: the least limit of a control group, or the machine's memory; nil where nothing tells.
  package static var limit: Int? {
    let system =
      TextFile.read("/proc/meminfo").flatMap { byteCount("MemTotal", in: $0) }
      ?? systemMemory(_SC_PHYS_PAGES)
    return [system, groups.memoryLimit { TextFile.read($0) }].compactMap(\.self).min()
  }

  /// Bytes of memory that this process has now, pages of its program and libraries among them; nil where nothing tells.
  package static var resident: Int? {
    TextFile.read("/proc/self/status").flatMap { byteCount("VmRSS", in: $0) } ?? mostResident
  }

  /// The machine's memory where there is no `/proc`.
  private static func systemMemory(_ pages: Int) -> Int? {
    let (count, size) = (sysconf(CInt(pages)), sysconf(CInt(_SC_PAGESIZE)))
    return count > 0 && size > 0 ? count * size : nil
  }

  /// The most that this process has had.
  private static var mostResident: Int? {
    var usage = rusage()
    guard unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 else { return nil }
    return usage.ru_maxrss * 1024
  }

  /// Without `/proc` the group at the usual place, which is this process's in a container.
  private static var groups: ControlGroups {
    ControlGroups(
      groups: TextFile.read("/proc/self/cgroup") ?? usualGroups,
      mounts: TextFile.read("/proc/self/mountinfo") ?? usualMounts, controller: "memory")
  }

  private static let usualGroups = "1:memory:/\n0::/\n"
  private static let usualMounts = """
    1 1 0:1 / /sys/fs/cgroup rw - cgroup2 cgroup rw
    2 1 0:2 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
    """

  /// From the text of `/proc/meminfo`.
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
