import Foundation
import Testing

/// Output for programs: JSON whatever files are called, with keys in snake case.
@Suite struct ReportTests {
  /// Copies a file to a name that has to be escaped in JSON.
  private static func hostileCopy(of path: String, in folder: TemporaryFolder) throws -> String {
    let name = "a \"quoted\" \\n name,\nof two lines\u{1}\u{7f}\u{2028}" + "." + suffix(of: path)
    let copy = folder.url.appendingPathComponent(name).path
    try FileManager.default.copyItem(atPath: path, toPath: copy)
    return copy
  }

  private static func suffix(of path: String) -> String { URL(fileURLWithPath: path).pathExtension }

  private func report(_ arguments: [String]) async throws -> [String: Any] {
    let outcome = try await ProgramUnderTest.run(ProgramUnderTest.url, arguments)
    #expect(outcome.exitCode == 0, "\(outcome.errors)")
    return try #require(
      try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
  }

  private func expectSnakeCase(_ value: Any, except names: Set<String> = []) {
    if let elements = value as? [Any] {
      for element in elements { expectSnakeCase(element, except: names) }
    }
    guard let members = value as? [String: Any] else { return }
    for (name, value) in members {
      #expect(name.wholeMatch(of: /[a-z][a-z0-9]*(_[a-z0-9]+)*/) != nil || names.contains(name))
      expectSnakeCase(value, except: names)
    }
  }

  @Test("bench --json of a file is JSON, however the file is called")
  func bench() async throws {
    let folder = try TemporaryFolder()
    let model = try Self.hostileCopy(of: PublishedModels.embedded, in: folder)
    let report = try await report([
      "bench", model, "--batch", "1", "--threads", "1", "--seconds", "100ms", "--json",
    ])
    #expect(report["network"] as? String == model)
    expectSnakeCase(report)
    let results = try #require(report["results"] as? [[String: Any]])
    #expect(
      Set(results[0].keys) == [
        "batch", "threads", "workers", "images_per_second", "median_milliseconds",
      ])
  }

  @Test("inspect --json of a file is JSON, however the file is called")
  func inspect() async throws {
    let folder = try TemporaryFolder()
    let model = try Self.hostileCopy(of: PublishedModels.embedded, in: folder)
    let report = try await report(["inspect", model, "--json"])
    #expect(report["class_count"] as? Int == 10)
    expectSnakeCase(report, except: ["v1.5"])
    let plan = try await self.report(["inspect", model, "--plan", "--team", "2", "--json"])
    #expect(plan["name"] as? String == model)
    #expect((plan["team"] as? [String: Any])?["threads"] as? Int == 2)
    expectSnakeCase(plan)
  }

  @Test("inspect --json shows labels as they are")
  func labels() async throws {
    let folder = try TemporaryFolder()
    let plain = folder.url.appendingPathComponent("plain.safetensors").path
    let converted = try await ProgramUnderTest.run(
      "convert", "--to", "plain", PublishedModels.embedded, plain)
    #expect(converted.exitCode == 0, "\(converted.errors)")
    let labels = (0..<10).map { "label \"\($0)\" \\n,\u{2028}é/" }
    let file = try folder.file("labels.txt", labels.joined(separator: "\n") + "\n").path
    let report = try await report(["inspect", plain, "--labels", file, "--json"])
    let model = try #require(report["model"] as? [String: Any])
    #expect(model["labels"] as? [String] == labels)
  }

  @Test("classify --json names each of several files, however they are called")
  func classify() async throws {
    let folder = try TemporaryFolder()
    let image = try Self.hostileCopy(of: ProgramUnderTest.sampleImage, in: folder)
    let missing = image + ".\"missing\""
    let outcome = try await ProgramUnderTest.run("classify", "--json", image, missing)
    #expect(outcome.exitCode == 1)
    let report = try #require(
      try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
    let results = try #require(report["results"] as? [[String: Any]])
    #expect(results.map { $0["file"] as? String } == [image, missing])
    #expect((results[0]["predictions"] as? [Any])?.count == 5)
    #expect((results[1]["error"] as? [String: Any])?["status"] as? Int == 400)
    expectSnakeCase(report)
  }
}
