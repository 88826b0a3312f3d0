import Foundation
import Testing

/// `resnetd train --find-rate`.
@Suite struct FindRateTests {
  private func train(
    _ tree: ImageTree, _ file: String, _ options: String...
  ) async throws -> ProgramUnderTest.Outcome {
    try await ProgramUnderTest.run(
      ProgramUnderTest.url,
      ["train", tree.path, "-o", file, "--arch", "resnet8-cifar", "--batch", "16"] + options)
  }

  @Test("A rate is suggested with a page of its losses, and no model is made")
  func search() async throws {
    let (tree, results) = (try ImageTree(), try TemporaryFolder())
    try DrawnImages.add([("a", 0, 30), ("b", 1, 30), ("c", 2, 30)], to: tree)
    let file = results.url.appendingPathComponent("out.safetensors").path
    var suggestions: Set<Double> = []
    for jobs in ["1", "3"] {
      let outcome = try await train(tree, file, "--find-rate", "--json", "--force", "-j", jobs)
      #expect(outcome.exitCode == 0, "\(outcome.errors)")
      let report = try #require(
        try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
      let rate = try #require(report["suggested_rate"] as? Double)
      #expect((1e-5...1).contains(rate), "\(rate)")
      suggestions.insert(rate)
      let trials = try #require(report["trials"] as? [[String: Any]])
      #expect(trials.count > 30 && trials.first?["rate"] as? Double == 1e-7)
    }
    #expect(suggestions.count == 1)
    let files = try FileManager.default.contentsOfDirectory(atPath: results.url.path)
    #expect(files == ["out.safetensors.rates.html"])
    let page = try String(contentsOfFile: file + ".rates.html", encoding: .utf8)
    #expect(page.contains("<svg") && page.contains(", suggested</title>"))
    #expect(!page.contains("http://") && !page.contains("https://") && !page.contains("<script"))
    let kept = try await train(tree, file, "--find-rate")
    #expect(kept.exitCode == 1 && kept.errors.contains("rates.html exists; --force replaces it"))
    // The words suggest what the option takes.
    let told = try await train(tree, file, "--find-rate", "--force", "--optimizer", "adamw")
    let words = try #require(told.output.firstMatch(of: /--learning-rate ([0-9.e-]+),/))
    let trained = try await train(
      tree, file, "--epochs", "1", "--optimizer", "adamw", "--learning-rate", String(words.1))
    #expect(trained.exitCode == 0, "\(trained.errors)")
    for (option, value, reason) in [
      ("--learning-rate", "0.1", "--find-rate looks for the rate"),
      ("--push", "localhost", "makes no model: leave out --push"),
      ("--tune", "head", "whose layers must be trained"),
    ] {
      let refused = try await train(tree, file, "--find-rate", option, value)
      #expect(refused.exitCode == 2 && refused.errors.contains(reason), "\(refused.errors)")
    }
  }
}
