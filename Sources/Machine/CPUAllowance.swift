import Files
import Glibc

/// Share of the machine that this process may use: never simply the host's count of cores.
package struct CPUAllowance: Sendable, Hashable {
  /// Cores that the affinity allows; cpusets are part of it.
  package var affinityCount: Int
  /// Cores' worth of time that the control groups allow, such as 1.5; nil if they set no limit.
  package var quota: Double?

  package init(affinityCount: Int, quota: Double? = nil) {
    self.affinityCount = affinityCount
    self.quota = quota
  }

  /// Allowance that the system gives the calling thread at present.
  package static var current: CPUAllowance {
    CPUAllowance(
      affinityCount: TextFile.read("/proc/self/status").flatMap(affinityCount)
        ?? max(1, sysconf(CInt(_SC_NPROCESSORS_ONLN))),
      quota: ControlGroups.own(controller: "cpu") { TextFile.read($0) }.quota { TextFile.read($0) })
  }

  /// Cores to keep busy: at least 1; a quota is rounded down.
  ///
  /// One thread more than a fractional quota allows would stop all of them until the scheduler's
  /// next period, up to 100 ms. The remainder goes to the threads that read and write sockets.
  package var cores: Int {
    let quota = quota.map { Int(min(max(1, $0), Double(affinityCount))) } ?? affinityCount
    return max(1, min(affinityCount, quota))
  }

  /// Name of the CPU in `/proc/cpuinfo`, or `unknown`.
  package static var modelName: String {
    let lines = (TextFile.read("/proc/cpuinfo") ?? "").split(separator: "\n")
    let line = lines.first { $0.hasPrefix("model name") || $0.hasPrefix("CPU part") }
    let value = line?.split(separator: ":", maxSplits: 1).last
    return value?.split(separator: " ").joined(separator: " ") ?? "unknown"
  }

  /// Counts the cores in the affinity mask of `/proc/self/status`, hexadecimal digits with commas
  /// between some of them; nil if there is no mask.
  package static func affinityCount(status: String) -> Int? {
    let line = status.split(separator: "\n").first { $0.hasPrefix("Cpus_allowed:") }
    let digits = line?.dropFirst("Cpus_allowed:".count).compactMap(\.hexDigitValue) ?? []
    let count = digits.reduce(0) { $0 + $1.nonzeroBitCount }
    return count > 0 ? count : nil
  }
}
