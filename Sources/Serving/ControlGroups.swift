/// The control groups of a process, as far as they limit its CPU time; versions 1 and 2.
///
/// A quota holds for all groups below the one that sets it, so the least of a group and its ancestors counts.
/// Linux, Documentation/admin-guide/cgroup-v2.rst and scheduler/sched-bwc.rst.
package struct ControlGroups: Sendable {
  /// A hierarchy that may limit CPU time.
  private struct Hierarchy {
    /// Where its files are seen.
    var mountPoint: String
    /// The process's group below the mount point, in components.
    var group: [Substring]
    var isUnified: Bool
  }

  private let hierarchies: [Hierarchy]

  /// From the texts of `/proc/self/cgroup` and `/proc/self/mountinfo`.
  package init(groups: String, mounts: String) {
    var paths: [Bool: Substring] = [:]
    for line in groups.split(separator: "\n") {
      // Number, controllers, path; version 2 has the number 0 and no controllers.
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3 else { continue }
      if parts[0] == "0", parts[1].isEmpty { paths[true] = parts[2] }
      if parts[1].split(separator: ",").contains("cpu") { paths[false] = parts[2] }
    }
    hierarchies = mounts.split(separator: "\n").compactMap { line in
      guard let mount = Self.mount(line), let path = paths[mount.isUnified] else { return nil }
      return Hierarchy(
        mountPoint: mount.point, group: Self.group(path, below: mount.root),
        isUnified: mount.isUnified)
    }
  }

  /// Cores' worth of time, or nil where nothing limits it; `read` gives a file's text.
  package func quota(_ read: (String) -> String?) -> Double? {
    var least: Double?
    for hierarchy in hierarchies {
      for depth in 0...hierarchy.group.count {
        let folder =
          ([hierarchy.mountPoint] + hierarchy.group.prefix(depth).map(String.init))
          .joined(separator: "/")
        guard let quota = Self.quota(folder, hierarchy.isUnified, read) else { continue }
        least = min(least ?? quota, quota)
      }
    }
    return least
  }

  private static func quota(
    _ folder: String, _ isUnified: Bool, _ read: (String) -> String?
  ) -> Double? {
    let texts =
      isUnified
      ? read("\(folder)/cpu.max")
      : read("\(folder)/cpu.cfs_quota_us").flatMap { quota in
        read("\(folder)/cpu.cfs_period_us").map { "\(quota) \($0)" }
      }
    // Microseconds of time in microseconds of period; `max` or -1 is no limit.
    let numbers = (texts ?? "").split(whereSeparator: \.isWhitespace).compactMap { Double($0) }
    guard numbers.count == 2, numbers[0] > 0, numbers[1] > 0 else { return nil }
    return numbers[0] / numbers[1]
  }

  /// proc_pid_mountinfo(5): number, parent, device, root, mount point, options, optional fields, `-`, type,
  /// source, options of the file system.
  private static func mount(
    _ line: Substring
  ) -> (point: String, root: Substring, isUnified: Bool)? {
    let fields = line.split(separator: " ")
    guard let dash = fields.firstIndex(of: "-"), dash >= 6, fields.count > dash + 3 else {
      return nil
    }
    let isUnified = fields[dash + 1] == "cgroup2"
    let limitsTime = fields[dash + 3].split(separator: ",").contains("cpu")
    guard isUnified || fields[dash + 1] == "cgroup" && limitsTime else { return nil }
    return (point(fields[4]), fields[3], isUnified)
  }

  /// A space is written `\040` there.
  private static func point(_ field: Substring) -> String {
    field.replacing(#"\040"#, with: " ").description
  }

  /// A container may see its own group as the mount's root, or groups outside its namespace as `..`.
  private static func group(_ path: Substring, below root: Substring) -> [Substring] {
    let path = path.split(separator: "/")
    let root = root.split(separator: "/")
    guard path.starts(with: root), !path.contains("..") else { return [] }
    return Array(path.dropFirst(root.count))
  }
}
