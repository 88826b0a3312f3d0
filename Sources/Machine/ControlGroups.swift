import Files
import Words

/// Control groups of a process that limit its CPU time or its memory; versions 1 and 2.
///
/// A limit holds for all groups below the one that sets it, so the least of a group and its
/// ancestors counts. Linux, Documentation/admin-guide/cgroup-v2.rst, cgroup-v1/memory.rst and
/// scheduler/sched-bwc.rst.
package struct ControlGroups: Sendable {
  /// Hierarchy of groups that may limit the process.
  private struct Hierarchy {
    /// Folder where its files are seen.
    var mountPoint: String
    /// Path of the process's group below the mount point, in components.
    var group: [Substring]
    var isUnified: Bool
  }

  private let hierarchies: [Hierarchy]

  /// Finds the groups of this process. Without `/proc` they are those at the usual places, which in
  /// a container are its own.
  package static func own(
    controller: String, _ read: (String) -> String?
  ) -> ControlGroups {
    ControlGroups(
      groups: read("/proc/self/cgroup") ?? "1:\(controller):/\n0::/\n",
      mounts: read("/proc/self/mountinfo") ?? """
        1 1 0:1 / /sys/fs/cgroup rw - cgroup2 cgroup rw
        2 1 0:2 / /sys/fs/cgroup/\(controller) rw - cgroup cgroup rw,\(controller)
        """, controller: controller)
  }

  /// Reads the contents of `/proc/self/cgroup` and `/proc/self/mountinfo`; `controller` is `cpu` or
  /// `memory`.
  package init(groups: String, mounts: String, controller: String = "cpu") {
    var paths: [Bool: Substring] = [:]
    for line in groups.split(separator: "\n") {
      // Number, controllers, path; version 2 has the number 0 and no controllers.
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3 else { continue }
      if parts[0] == "0", parts[1].isEmpty { paths[true] = parts[2] }
      if parts[1].split(separator: ",").contains(Substring(controller)) { paths[false] = parts[2] }
    }
    hierarchies = mounts.split(separator: "\n").compactMap { line in
      guard let mount = Self.mount(line, controller), let path = paths[mount.isUnified] else {
        return nil
      }
      return Hierarchy(
        mountPoint: mount.point, group: Self.group(path, below: mount.root),
        isUnified: mount.isUnified)
    }
  }

  /// Returns the allowed cores' worth of time, or nil if nothing limits it; `read` returns a file's
  /// contents.
  package func quota(_ read: (String) -> String?) -> Double? {
    least { folder, isUnified in Self.quota(folder, isUnified, read) }
  }

  /// Returns the bytes that the groups still allow, or nil if nothing limits them. Pages of files
  /// not used lately count as free: the system drops them when memory is needed.
  package func availableMemory(_ read: (String) -> String?) -> Int? {
    least { folder, isUnified in Self.availableMemory(folder, isUnified, read) }
  }

  /// Returns the bytes that the groups allow in all, or nil if nothing limits them.
  package func memoryLimit(_ read: (String) -> String?) -> Int? {
    least { folder, isUnified in Self.memoryLimit(folder, isUnified, read) }
  }

  /// Returns the least value of all groups that the process is in.
  private func least<Value: Comparable>(
    _ value: (_ folder: String, _ isUnified: Bool) -> Value?
  ) -> Value? {
    var least: Value?
    for hierarchy in hierarchies {
      for depth in 0...hierarchy.group.count {
        let folder =
          ([hierarchy.mountPoint] + hierarchy.group.prefix(depth).map(String.init))
          .joined(separator: "/")
        guard let found = value(folder, hierarchy.isUnified) else { continue }
        least = min(least ?? found, found)
      }
    }
    return least
  }

  private static func quota(
    _ folder: String, _ isUnified: Bool, _ read: (String) -> String?
  ) -> Double? {
    let contents =
      isUnified
      ? read("\(folder)/cpu.max")
      : read("\(folder)/cpu.cfs_quota_us").flatMap { quota in
        read("\(folder)/cpu.cfs_period_us").map { "\(quota) \($0)" }
      }
    // Microseconds of time per microseconds of period; `max` or -1 means no limit.
    let numbers = (contents ?? "").split(whereSeparator: \.isWhitespace).compactMap { Double($0) }
    guard numbers.count == 2, numbers[0] > 0, numbers[1] > 0 else { return nil }
    return numbers[0] / numbers[1]
  }

  /// Bytes from which a limit means none: version 1 then shows a number a little below 2^63.
  private static let noMemoryLimit = 1 << 60

  private static func memoryLimit(
    _ folder: String, _ isUnified: Bool, _ read: (String) -> String?
  ) -> Int? {
    // `max` in version 2 is not a number.
    let limit = number(
      "\(folder)/\(isUnified ? "memory.max" : "memory.limit_in_bytes")", read)
    return limit.flatMap { 0..<noMemoryLimit ~= $0 ? $0 : nil }
  }

  private static func number(_ path: String, _ read: (String) -> String?) -> Int? {
    read(path).flatMap { Int($0.prefix { !$0.isWhitespace }) }
  }

  private static func availableMemory(
    _ folder: String, _ isUnified: Bool, _ read: (String) -> String?
  ) -> Int? {
    guard let limit = memoryLimit(folder, isUnified, read),
      let usage = number(
        "\(folder)/\(isUnified ? "memory.current" : "memory.usage_in_bytes")", read), usage >= 0
    else { return nil }
    let name = isUnified ? "inactive_file" : "total_inactive_file"
    let line = (read("\(folder)/memory.stat") ?? "").split(separator: "\n")
      .first { $0.hasPrefix("\(name) ") }
    let reclaimable = line?.split(separator: " ").last.flatMap { Int($0) } ?? 0
    return max(0, limit - usage + min(max(0, reclaimable), usage))
  }

  /// Parses a line of proc_pid_mountinfo(5): number, parent, device, root, mount point, options,
  /// optional fields, `-`, type, source, options of the file system.
  private static func mount(
    _ line: Substring, _ controller: String
  ) -> (point: String, root: Substring, isUnified: Bool)? {
    let fields = line.split(separator: " ")
    guard let dash = fields.firstIndex(of: "-"), dash >= 6, fields.count > dash + 3 else {
      return nil
    }
    let isUnified = fields[dash + 1] == "cgroup2"
    let limits = fields[dash + 3].split(separator: ",").contains(Substring(controller))
    guard isUnified || fields[dash + 1] == "cgroup" && limits else { return nil }
    return (point(fields[4]), fields[3], isUnified)
  }

  /// Unescapes a mount point, in which a space is written `\040`.
  private static func point(_ field: Substring) -> String {
    field.replacingText(#"\040"#, with: " ").description
  }

  /// Returns the components below the mount's root. A container may see its own group as that root,
  /// or groups outside its namespace as `..`.
  private static func group(_ path: Substring, below root: Substring) -> [Substring] {
    let path = path.split(separator: "/")
    let root = root.split(separator: "/")
    guard path.starts(with: root), !path.contains("..") else { return [] }
    return Array(path.dropFirst(root.count))
  }
}
