import Machine
import Testing

@Suite struct CPUAllowanceTests {
  private static let unified = """
    24 1 0:21 / /proc rw,nosuid - proc proc rw
    31 23 0:28 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate
    """
  private static let legacy = """
    31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
    32 31 0:29 /docker/abc /sys/fs/cgroup/cpu\\040time rw - cgroup cgroup rw,cpu,cpuacct
    35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
    41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
    """

  private func quota(_ groups: String, _ mounts: String, _ files: [String: String]) -> Double? {
    ControlGroups(groups: groups, mounts: mounts).quota { files[$0] }
  }

  @Test("The least quota of a group and its ancestors counts, in version 2")
  func unified() {
    let files = [
      "/sys/fs/cgroup/cpu.max": "max 100000\n", "/sys/fs/cgroup/a/cpu.max": "150000 100000\n",
      "/sys/fs/cgroup/a/b/cpu.max": "400000 100000\n",
    ]
    #expect(quota("0::/a/b\n", Self.unified, files) == 1.5)
    #expect(quota("0::/\n", Self.unified, files) == nil)
    #expect(quota("0::/../a\n", Self.unified, files) == nil)
    #expect(quota("0::/a/b/none\n", Self.unified, files) == 1.5)
  }

  @Test("Without /proc a container's own group counts, in either version")
  func withoutProc() {
    let unified = ["/sys/fs/cgroup/memory.max": "268435456\n"]
    #expect(
      ControlGroups.own(controller: "memory") { unified[$0] }.memoryLimit { unified[$0] } == 256
        << 20)
    let first = ["/sys/fs/cgroup/memory/memory.limit_in_bytes": "536870912\n"]
    #expect(
      ControlGroups.own(controller: "memory") { first[$0] }.memoryLimit { first[$0] } == 512 << 20)
    let quota = ["/sys/fs/cgroup/cpu.max": "150000 100000\n"]
    #expect(ControlGroups.own(controller: "cpu") { quota[$0] }.quota { quota[$0] } == 1.5)
    #expect(ControlGroups.own(controller: "memory") { _ in nil }.memoryLimit { _ in nil } == nil)
  }

  @Test("A container's own group is the root of its mount, in version 1")
  func legacy() {
    let groups = "5:memory:/docker/abc\n1:cpuacct,cpu:/docker/abc/in\n0::/elsewhere\n"
    let folder = "/sys/fs/cgroup/cpu time"
    let files = [
      "\(folder)/cpu.cfs_quota_us": "-1\n", "\(folder)/cpu.cfs_period_us": "100000\n",
      "\(folder)/in/cpu.cfs_quota_us": "250000\n", "\(folder)/in/cpu.cfs_period_us": "50000\n",
      "/sys/fs/cgroup/memory/cpu.cfs_quota_us": "1\n",
    ]
    #expect(quota(groups, Self.legacy, files) == 5)
    #expect(quota(groups, Self.legacy, [:]) == nil)
  }

  @Test(
    "A value that is not a quota sets no limit",
    arguments: ["", "max", "0 100000", "-1 100000", "100000 0", "nan 1", "1", "x y"])
  func malformed(contents: String) {
    #expect(quota("0::/", Self.unified, ["/sys/fs/cgroup/cpu.max": contents]) == nil)
    #expect(quota("0:/", "31 - cgroup2", ["/sys/fs/cgroup/cpu.max": "1 1"]) == nil)
  }

  @Test(
    "A quota is rounded down, to at least one core and at most those of the affinity",
    arguments: [
      (8, nil, 8), (8, 2.5, 2), (8, 0.25, 1), (2, 16, 2), (4, 1e300, 4), (1, 1.5, 1),
    ] as [(Int, Double?, Int)])
  func cores(affinity: Int, quota: Double?, cores: Int) {
    #expect(CPUAllowance(affinityCount: affinity, quota: quota).cores == cores)
  }

  @Test("The affinity is read from its mask")
  func affinity() {
    let status = "Name:\tx\nCpus_allowed:\t00000001,8000000f\nCpus_allowed_list:\t0-3,31,32\n"
    #expect(CPUAllowance.affinityCount(status: status) == 6)
    #expect(CPUAllowance.affinityCount(status: "Name:\tx\n") == nil)
    #expect(CPUAllowance.current.affinityCount > 0)
    #expect(1...CPUAllowance.current.affinityCount ~= CPUAllowance.current.cores)
  }
}
