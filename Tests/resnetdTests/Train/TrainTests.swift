import Foundation
import Testing

/// `resnetd train` on drawn images.
@Suite struct TrainTests {
  private struct Trained {
    var outcome: ProgramUnderTest.Outcome
    var report: [String: Any]
    var file: String

    var notes: [String] { report["notes"] as? [String] ?? [] }
    var evaluation: [String: Any] {
      let precisions = (report["evaluation"] as? [String: Any])?["precisions"] as? [[String: Any]]
      return precisions?.first ?? [:]
    }
  }

  private func train(
    _ tree: ImageTree, _ arguments: String..., folder: String? = nil,
    file: String = "out.safetensors"
  ) async throws -> Trained {
    let results = try TemporaryFolder()
    let path = results.url.appendingPathComponent(file).path
    let outcome = try await ProgramUnderTest.run(
      ProgramUnderTest.url,
      TrainOptions.small(["train", folder ?? tree.path, "-o", path, "--json"] + arguments))
    let report =
      try? JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any]
    withExtendedLifetime(results) {}
    return Trained(outcome: outcome, report: report ?? [:], file: path)
  }

  @Test("A folder becomes a model that tells its classes, with everything a server needs")
  func whole() async throws {
    let (tree, results) = (try ImageTree(), try TemporaryFolder())
    try DrawnImages.add([("kind10", 0, 30), ("kind2", 1, 30), ("Ää b", 2, 30)], to: tree)
    try tree.file("kind2/broken.png")
    try tree.file("kind2/readme.txt")
    try tree.file(".hidden/x.png")
    let file = results.url.appendingPathComponent("drawn.safetensors").path
    let outcome = try await ProgramUnderTest.run("train", tree.path, "-o", file)
    #expect(outcome.exitCode == 0, "\(outcome.errors)")
    #expect(outcome.output.contains("classes                     3\n"))
    #expect(outcome.output.contains("serve it: resnetd serve --model \(file)"))
    #expect(outcome.errors.contains("broken.png: the bytes are text"))
    let again = try await ProgramUnderTest.run("train", tree.path, "-o", file)
    #expect(again.exitCode == 1 && again.errors.contains("--force replaces it"))
    let fresh = try tree.file("fresh.bmp", DrawnImages.bitmap(kind: 1, number: 777))
    let answer = try await ProgramUnderTest.run(
      "classify", "--model", file, "--json", "--top-k", "3", fresh)
    let predictions = try #require(
      try ImageTree.lines(answer.output).first?["predictions"] as? [[String: Any]])
    #expect(predictions.map { $0["class"] as? Int }.first == 0)
    #expect(predictions.first?["label"] as? String == "kind2")
    // Natural order: 2 before 10.
    let classes = predictions.sorted { ($0["class"] as? Int ?? 0) < ($1["class"] as? Int ?? 0) }
    #expect(classes.map { $0["label"] as? String } == ["kind2", "kind10", "Ää b"])
    let inspected = try await ProgramUnderTest.run("inspect", "--json", file)
    let model = try #require(
      try JSONSerialization.jsonObject(with: Data(inspected.output.utf8)) as? [String: Any])
    #expect((model["model"] as? [String: Any])?["golden_sample_count"] as? Int == 3)
    let page = try String(contentsOfFile: file + ".report.html", encoding: .utf8)
    #expect(page.contains("<h2>Choice of the regularisation</h2>") && page.contains("Ää b"))
    #expect(!page.contains("http://") && !page.contains("https://") && !page.contains("<script"))
  }

  @Test("Any number of threads writes the same file")
  func threads() async throws {
    let tree = try ImageTree()
    try DrawnImages.add([("a", 0, 25), ("b", 1, 25)], to: tree)
    var versions: Set<String> = []
    for jobs in ["1", "2", "4"] {
      let trained = try await train(tree, "--jobs", jobs)
      versions.insert((trained.report["model"] as? [String: Any])?["version"] as? String ?? jobs)
    }
    #expect(versions.count == 1)
  }

  @Test("What would make the result look too good is kept on one side, and told")
  func copies() async throws {
    let tree = try ImageTree()
    try DrawnImages.add([("train/a", 0, 24), ("train/b", 1, 24)], to: tree)
    try DrawnImages.add([("val/a", 2, 8), ("val/b", 3, 8)], to: tree)
    // A learned image again, and one image under two classes.
    try tree.file("val/a/copy.bmp", DrawnImages.bitmap(kind: 0, number: 3))
    try tree.file("train/a/twice.bmp", DrawnImages.bitmap(kind: 3, number: 99))
    try tree.file("train/b/twice.bmp", DrawnImages.bitmap(kind: 3, number: 99))
    let trained = try await train(tree)
    #expect(trained.outcome.exitCode == 0, "\(trained.outcome.errors)")
    #expect(trained.report["learned"] as? Int == 48 && trained.report["held_out"] as? Int == 16)
    #expect(trained.notes.contains { $0.contains("not judged by: 1 held-out files") })
    #expect(trained.notes.contains { $0.contains("2 files that are the same under several") })
    #expect(trained.evaluation["images"] as? Int == 16)
  }

  @Test("Copies of an image are never learned from and judged by at the same time")
  func groups() async throws {
    let tree = try ImageTree()
    for (name, kind) in [("a", 0), ("b", 1)] {
      for number in 0..<10 {
        for copy in 0..<3 {
          let scene = "\(name)/scene\(number)_\(copy).bmp"
          try tree.file(scene, DrawnImages.bitmap(kind: kind, number: number * 3 + copy))
        }
      }
    }
    let trained = try await train(tree, "--group-by", "scene([0-9]+)_")
    #expect(trained.outcome.exitCode == 0, "\(trained.outcome.errors)")
    // A scene's number is a group in whatever class, so that two scenes of ten are held out.
    #expect(trained.notes.contains { $0.contains("10 groups by scene([0-9]+)_") })
    let heldOut = trained.report["held_out"] as? Int ?? 0
    #expect(heldOut > 0 && heldOut.isMultiple(of: 3))
    for number in 0..<2 {
      let name = String(repeating: "s", count: 60)
      try tree.file("a/\(name)\(number)!.bmp", DrawnImages.bitmap(kind: 0, number: 90 + number))
    }
    let endless = try await train(tree, "--group-by", "(s+)+$")
    #expect(endless.outcome.exitCode == 1 && endless.outcome.errors.contains("takes too long"))
    let refused = try await train(tree, "--group-by", "scene(")
    #expect(refused.outcome.exitCode == 2)
    #expect(refused.outcome.errors.contains("a regular expression"))
  }

  @Test("Classes of one group each give no figure, and copies of an image judge once")
  func loneGroups() async throws {
    let tree = try ImageTree()
    try DrawnImages.add([("a", 0, 8), ("b", 1, 8), ("c", 2, 8)], to: tree)
    let all = try await train(tree, "--group-by", "[abc]/")
    #expect(all.outcome.exitCode == 0, "\(all.outcome.errors)")
    #expect(all.notes.contains { $0.hasSuffix("so that nothing can be judged about it: a, b, c") })
    #expect(all.report["evaluation"] is NSNull && all.report["preview"] is NSNull)
    #expect((all.report["trials"] as? [Any])?.isEmpty == true)
    let one = try await train(tree, "--group-by", "a/")
    #expect(one.outcome.exitCode == 0, "\(one.outcome.errors)")
    #expect(one.evaluation["images"] as? Int == 16)
    for number in 0..<8 {
      for copy in 0..<2 {
        try tree.file(
          "b/copy\(copy)-\(number).bmp", DrawnImages.bitmap(kind: 1, number: number))
      }
    }
    let copied = try await train(tree)
    #expect(copied.outcome.exitCode == 0, "\(copied.outcome.errors)")
    #expect(copied.notes.contains { $0.hasPrefix("16 files are copies of others") })
    #expect(copied.evaluation["images"] as? Int == 24)
  }

  @Test("Too few images to hold some out are judged by cross-validation")
  func few() async throws {
    let tree = try ImageTree()
    try DrawnImages.add([("a", 0, 6), ("b", 1, 12)], to: tree)
    let trained = try await train(tree)
    #expect(trained.outcome.exitCode == 0, "\(trained.outcome.errors)")
    #expect(trained.report["cross_validated"] as? Bool == true)
    #expect(trained.report["learned"] as? Int == 18 && trained.report["held_out"] as? Int == 0)
    #expect(trained.notes.contains { $0.contains("the smallest class has 6 images") })
    #expect(trained.evaluation["images"] as? Int == 18)
    // With a given regularisation nothing is left out in turn, and nothing is known.
    let given = try await train(tree, "--regularization", "0.1")
    #expect(given.outcome.exitCode == 0 && given.report["evaluation"] is NSNull)
  }

  @Test("The parts of a divided folder are found in any case, and names that are nearly theirs")
  func partNames() async throws {
    for (learned, heldOut) in [("Train", "VALIDATE"), ("TRAINING", "Test")] {
      let tree = try ImageTree()
      try DrawnImages.add([("\(learned)/a", 0, 6), ("\(learned)/b", 1, 6)], to: tree)
      try DrawnImages.add([("\(heldOut)/a", 2, 2), ("\(heldOut)/b", 3, 2)], to: tree)
      let trained = try await train(tree, "--regularization", "1")
      #expect(trained.report["held_out"] as? Int == 4, "\(trained.outcome.errors)")
      try FileManager.default.moveItem(
        atPath: "\(tree.path)/\(learned)", toPath: "\(tree.path)/trian")
      let first = try await train(tree)
      #expect(first.outcome.errors.contains("trian: did you mean train?"))
      try FileManager.default.moveItem(
        atPath: "\(tree.path)/trian", toPath: "\(tree.path)/train")
      try FileManager.default.moveItem(
        atPath: "\(tree.path)/\(heldOut)", toPath: "\(tree.path)/vaild")
      let second = try await train(tree)
      #expect(second.outcome.errors.contains("vaild: did you mean valid?"))
    }
    // A class may be called nearly so.
    let tree = try ImageTree()
    try DrawnImages.add([("brain", 0, 6), ("vein", 1, 6), ("text", 2, 6)], to: tree)
    let trained = try await train(tree, "--regularization", "1")
    #expect(trained.outcome.exitCode == 0, "\(trained.outcome.errors)")
    #expect(trained.report["labels"] as? [String] == ["brain", "text", "vein"])
  }

  @Test("Folders that cannot be learned from say what is missing")
  func refusals() async throws {
    let tree = try ImageTree()
    func refusal(_ arguments: String...) async throws -> ProgramUnderTest.Outcome {
      try await ProgramUnderTest.run(ProgramUnderTest.url, ["train"] + arguments)
    }
    let out = "\(tree.path)/out.safetensors"
    let empty = try await refusal(tree.path, "-o", out)
    #expect(empty.exitCode == 1 && empty.errors.contains("a folder of images for each class"))
    try DrawnImages.add([("one", 0, 2)], to: tree)
    let one = try await refusal(tree.path, "-o", out)
    #expect(one.exitCode == 1 && one.errors.contains("one folder only, \"one\","))
    try tree.file("two/readme.txt")
    let without = try await refusal(tree.path, "-o", out)
    #expect(without.exitCode == 1 && without.errors.contains("two: no image in it"))
    let missing = try await refusal("\(tree.path)/none", "-o", out)
    #expect(missing.exitCode == 1 && missing.errors.contains("none: cannot list the folder"))
    #expect(try await refusal(tree.path).errors.contains("--output is needed"))
    let ending = try await refusal(tree.path, "-o", "\(tree.path)/x.pth")
    #expect(ending.exitCode == 2 && ending.errors.contains("call it x.safetensors"))
    let nowhere = try await refusal(tree.path, "-o", "\(tree.path)/no/x.safetensors")
    #expect(
      nowhere.exitCode == 1
        && nowhere.errors.contains("cannot write \(tree.path)/no/x.safetensors: "))
    try DrawnImages.add([("d/train/a", 0, 3), ("d/train/b", 1, 3), ("d/val/c", 1, 3)], to: tree)
    let unknown = try await refusal("\(tree.path)/d", "-o", out)
    #expect(unknown.exitCode == 1 && unknown.errors.contains("no class of this name"))
    #expect(!FileManager.default.fileExists(atPath: out))
  }
}
