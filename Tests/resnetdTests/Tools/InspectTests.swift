import Foundation
import Testing

@Suite(.serialized) struct InspectTests {
  private func inspect(_ arguments: String...) async throws -> [String: Any] {
    let outcome = try await ProgramUnderTest.run(
      ProgramUnderTest.url, ["inspect", "--json"] + arguments)
    #expect(outcome.exitCode == 0)
    return try #require(
      try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
  }

  @Test(
    "Parameters are those of torchvision",
    arguments: [
      ("resnet18", 11_689_512), ("resnet34", 21_797_672), ("resnet50", 25_557_032),
      ("resnet101", 44_549_160), ("resnet152", 60_192_808),
    ])
  func parameters(name: String, count: Int) async throws {
    #expect(try await inspect(name)["parameters"] as? Int == count)
  }

  @Test(
    "Multiply-adds of the paper's networks are those of Table 1 to its digits",
    arguments: [
      ("resnet18", 1.8), ("resnet34", 3.6), ("resnet50", 3.8), ("resnet101", 7.6),
      ("resnet152", 11.3),
    ])
  func multiplyAdds(name: String, billions: Double) async throws {
    let count = try #require(try await inspect("--variant", "v1", name)["multiply_adds"] as? Int)
    #expect(abs(Double(count) / 1e9 - billions) < 0.1)
  }

  @Test("Blocks compare as in Figure 5")
  func blocks() async throws {
    for (name, block, weights) in [
      ("resnet34", "layer3.1", 1_179_648), ("resnet50", "layer1.1", 69_632),
    ] {
      let blocks = try #require(try await inspect(name)["blocks"] as? [[String: Any]])
      let found = blocks.first { $0["name"] as? String == block }
      #expect(found?["main_path_weight_count"] as? Int == weights)
    }
  }

  @Test("The embedded model shows its provenance; the table ends with the sums")
  func embedded() async throws {
    let model = try #require(try await inspect()["model"] as? [String: Any])
    #expect((model["labels"] as? [String])?.count == 200)
    let table = try await ProgramUnderTest.run("inspect", "resnet1202-cifar")
    #expect(table.output.contains("parameters     19,421,274"))
  }

  @Test("A name that is neither network nor file is refused")
  func unknown() async throws {
    let outcome = try await ProgramUnderTest.run("inspect", "resnet51")
    #expect(outcome.exitCode == 1)
    #expect(outcome.errors.contains("neither a file nor a network; did you mean resnet50?"))
  }

  @Test("bench measures every combination")
  func bench() async throws {
    let outcome = try await ProgramUnderTest.run(
      "bench", "resnet20-cifar", "--batch", "1,3", "--threads", "1", "--workers", "1,2",
      "--seconds", "100ms", "--json")
    #expect(outcome.exitCode == 0)
    let report = try #require(
      try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
    let results = try #require(report["results"] as? [[String: Any]])
    #expect(results.count == 4)
    #expect(results.allSatisfy { ($0["images_per_second"] as? Double ?? 0) > 0 })
  }
}
