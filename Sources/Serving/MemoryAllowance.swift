/// How much more memory this process may take.
package enum MemoryAllowance {
  /// Bytes that neither the system nor a control group would refuse now; nil where nothing tells.
  package static var available: Int? {
    let groups = ControlGroups(
      groups: TextFile.read("/proc/self/cgroup") ?? "",
      mounts: TextFile.read("/proc/self/mountinfo") ?? "", controller: "memory")
    let system = TextFile.read("/proc/meminfo").flatMap(available(memoryInformation:))
    return [system, groups.availableMemory { TextFile.read($0) }].compactMap(\.self).min()
  }

  /// From the text of `/proc/meminfo`.
  package static func available(memoryInformation: String) -> Int? {
    let line = memoryInformation.split(separator: "\n").first { $0.hasPrefix("MemAvailable:") }
    let fields = line?.split(separator: " ") ?? []
    guard fields.count == 3, fields[2] == "kB", let count = Int(fields[1]), count >= 0 else {
      return nil
    }
    let (bytes, overflow) = count.multipliedReportingOverflow(by: 1024)
    return overflow ? nil : bytes
  }
}
