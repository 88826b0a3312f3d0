import Checkpoint
import Engine
import Inference
import Machine
import ResNet
import Serving
import Testing

@Suite struct MemoryTests {
  private static let unified = "31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
  private static let legacy = """
    32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct
    35 31 0:32 /docker/abc /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
    """

  private func available(
    _ groups: String, _ mounts: String, _ files: [String: String]
  ) -> Int? {
    ControlGroups(groups: groups, mounts: mounts, controller: "memory")
      .availableMemory { files[$0] }
  }

  @Test("The least limit of all groups is the limit, used or not")
  func limit() {
    let root = "/sys/fs/cgroup"
    let files = ["\(root)/a/memory.max": "1000\n", "\(root)/a/b/memory.max": "max\n"]
    let groups = ControlGroups(groups: "0::/a/b\n", mounts: Self.unified, controller: "memory")
    #expect(groups.memoryLimit { files[$0] } == 1000)
    #expect(groups.memoryLimit { _ in "max\n" } == nil)
  }

  @Test("What the tightest group leaves counts, idle file pages as free, in version 2")
  func unified() {
    let root = "/sys/fs/cgroup"
    var files = [
      "\(root)/a/memory.max": "1000\n", "\(root)/a/memory.current": "700\n",
      "\(root)/a/memory.stat": "anon 5\ninactive_file 200\nactive_file 100\n",
      "\(root)/a/b/memory.max": "max\n", "\(root)/a/b/memory.current": "600\n",
    ]
    #expect(available("0::/a/b\n", Self.unified, files) == 500)
    files["\(root)/a/b/memory.max"] = "650\n"
    #expect(available("0::/a/b\n", Self.unified, files) == 50)
    files["\(root)/a/b/memory.current"] = "660\n"
    #expect(available("0::/a/b\n", Self.unified, files) == 0)
    #expect(available("0::/\n", Self.unified, files) == nil)
  }

  @Test("Version 1 has its own names, and a number for no limit")
  func legacy() {
    let folder = "/sys/fs/cgroup/memory"
    var files = [
      "\(folder)/memory.limit_in_bytes": "1000\n", "\(folder)/memory.usage_in_bytes": "900\n",
      "\(folder)/memory.stat": "inactive_file 1\ntotal_inactive_file 300\n",
    ]
    let groups = "5:memory:/docker/abc\n1:cpuacct,cpu:/docker/abc\n"
    #expect(available(groups, Self.legacy, files) == 400)
    files["\(folder)/memory.limit_in_bytes"] = "9223372036854771712\n"
    #expect(available(groups, Self.legacy, files) == nil)
  }

  @Test(
    "What is no number of bytes tells nothing", arguments: ["", "x", "-5", "99999999999999999999"])
  func malformed(text: String) {
    let files = ["/sys/fs/cgroup/memory.max": text, "/sys/fs/cgroup/memory.current": "1"]
    #expect(available("0::/", Self.unified, files) == nil)
    #expect(MemoryAllowance.available(memoryInformation: "MemAvailable: \(text) kB\n") == nil)
  }

  @Test("The system's own number is read, and this system has one")
  func system() throws {
    let text = "MemTotal:       16 kB\nMemAvailable:    8 kB\n"
    #expect(MemoryAllowance.available(memoryInformation: text) == 8192)
    #expect(try #require(MemoryAllowance.available) > 0)
  }

  @Test("The estimate covers what a model then takes", arguments: [Precision.fp32, .bf16])
  func estimate(precision: Precision) throws {
    let plan = CPUPlan(workers: 2, threads: 2, maxBatch: 8)
    guard precision.isSupported else {
      let model = try SmallModels.model("a")
      #expect(throws: EngineError.self) {
        try CompiledModel(model, precision: precision, plan: plan)
      }
      return
    }
    for model in [try Model.embedded(.cifar10), try SmallModels.model("a")] {
      let live = try CompiledModel(model, precision: precision, plan: plan)
      let network = live.network
      let taken = network.weightByteCount + plan.workers * network.contextByteCount
      let estimate = try MemoryEstimate(
        model.graph, precision: precision, plan: plan, live: nil
      ).byteCount
      // The library's programs, which the network does not know, take most of a small one's memory.
      #expect(estimate >= taken && estimate <= 2 * taken + 10_000_000)
      let known = try MemoryEstimate(
        model.graph, precision: precision, plan: plan, live: live
      ).byteCount
      #expect(known >= taken && known <= 3 * taken)
    }
  }
}
