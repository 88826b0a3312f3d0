import Checkpoint
import Engine
import Foundation
import ResNet
import Testing

/// `resnetd train --activation sigmoid`: images with several labels, or none.
@Suite struct TrainLabelsTests {
  /// Images of bars: wide or narrow ones, upright or not; the labels are `wide` and `upright`, and
  /// narrow ones that lie have none.
  ///
  /// - Parameter count: Images of each of the four kinds.
  private func tree(_ count: Int) throws -> ImageTree {
    let tree = try ImageTree()
    for number in 0..<count {
      for kind in 0..<4 {
        var folders = kind < 2 ? ["wide"] : []
        if kind.isMultiple(of: 2) { folders.append("upright") }
        for folder in folders.isEmpty ? ["neither"] : folders {
          try tree.file(
            "\(folder)/\(kind)-\(number).bmp", DrawnImages.bitmap(kind: kind, number: number))
        }
      }
    }
    return tree
  }

  private func train(
    _ tree: ImageTree, to file: String, _ arguments: [String]
  ) async throws -> (outcome: ProgramUnderTest.Outcome, report: [String: Any]) {
    let outcome = try await ProgramUnderTest.run(
      ProgramUnderTest.url,
      ["train", tree.path, "-o", file, "--json", "--activation", "sigmoid"] + arguments)
    let report =
      try? JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any]
    return (outcome, report ?? [:])
  }

  private func evaluation(_ report: [String: Any]) -> [String: Any] {
    report["evaluation"] as? [String: Any] ?? [:]
  }

  @Test("A new last layer answers each label by itself, and the page speaks of labels")
  func head() async throws {
    let (tree, results) = (try tree(64), try TemporaryFolder())
    let file = results.url.appendingPathComponent("out.safetensors").path
    let (outcome, report) = try await train(
      tree, to: file, ["--tune", "head", "--negatives", "neither"])
    #expect(outcome.exitCode == 0, "\(outcome.errors)")
    #expect(report["labels"] as? [String] == ["upright", "wide"])
    // 64 images of each of four kinds, one of which lies in two folders.
    let notes = report["notes"] as? [String] ?? []
    #expect(
      notes.contains { $0.contains("320 files are 256 images, which have 256 labels together") },
      "\(notes)")
    #expect((report["learned"] as? Int ?? 0) + (report["held_out"] as? Int ?? 0) == 256)
    let judged = evaluation(report)
    #expect(judged["mean_average_precision"] as? Double ?? 0 > 0.9, "\(judged)")
    #expect(judged["exact"] as? Double ?? 0 > 0.7)
    #expect(judged["top_1"] == nil && (report["doubtful"] as? [Any])?.isEmpty == true)
    let model = try Model.load(path: file)
    #expect(model.output.activation == .sigmoid && model.labels == ["upright", "wide"])
    #expect(model.provenance?.recipe?.contains("a logistic regression for each label") == true)
    #expect(model.provenance?.accuracy == nil)
    let page = try String(contentsOfFile: file + ".report.html", encoding: .utf8)
    #expect(page.contains("average precision") && page.contains("labels, independent of each"))
    #expect(page.contains("Images of each label") && page.contains("Without any are "))
    #expect(!page.contains("top-1") && !page.contains("taken for"))
    try expectInteger(report, model)
    // Both labels, one of them, and none.
    let fresh = try ImageTree()
    for (kind, there) in [(0, [true, true]), (1, [false, true]), (3, [false, false])] {
      let image = try fresh.file("\(kind).bmp", DrawnImages.bitmap(kind: kind, number: 901))
      let answer = try await ProgramUnderTest.run(
        "classify", "--model", file, "--json", "--top-k", "2", image)
      let predictions = try #require(
        try ImageTree.lines(answer.output).first?["predictions"] as? [[String: Any]])
      let sorted = predictions.sorted { ($0["class"] as? Int ?? 0) < ($1["class"] as? Int ?? 0) }
      let found = sorted.map { ($0["probability"] as? Double ?? 0) >= 0.5 }
      #expect(found == there, "kind \(kind): \(answer.output)")
    }
  }

  /// Expects int8 to be judged by all labels of an image, if this machine can tell.
  private func expectInteger(_ report: [String: Any], _ model: Model) throws {
    let int8 = try #require(report["int8"] as? [String: Any])
    guard Precision.int8.isSupported else {
      #expect((int8["reason"] as? String)?.contains("int8 needs") == true)
      return
    }
    #expect(int8["images"] as? Int == report["held_out"] as? Int, "\(int8)")
    #expect(int8["top1"] == nil)
    #expect(int8["exact_fp32"] as? Double == evaluation(report)["exact"] as? Double)
    let agreement = try #require(int8["agreement"] as? Double)
    #expect(int8["included"] as? Bool == (agreement >= 0.97), "\(int8)")
    #expect((model.calibration != nil) == (agreement >= 0.97))
    if let method = model.calibration?.method {
      #expect(method.contains("; agreement of all labels ") && method.hasSuffix("images held out"))
    }
  }

  @Test("Layers are trained on independent labels too, the same on any number of threads")
  func layers() async throws {
    let (tree, results) = (try tree(25), try TemporaryFolder())
    var files: Set<Data> = []
    for jobs in ["1", "3"] {
      let file = results.url.appendingPathComponent("out\(jobs).safetensors")
      let (outcome, report) = try await train(
        tree, to: file.path,
        [
          "--negatives", "neither", "--arch", "resnet8-cifar", "--epochs", "12", "--batch", "16",
          "--mixup", "0.1", "-j", jobs, "--name", "x",
        ])
      #expect(outcome.exitCode == 0, "\(outcome.errors)")
      #expect(outcome.errors.contains("labels right ") && !outcome.errors.contains("top-1"))
      #expect(evaluation(report)["mean_average_precision"] as? Double ?? 0 > 0.8, "\(report)")
      #expect(try Model.load(path: file.path).output.activation == .sigmoid)
      files.insert(try Data(contentsOf: file))
    }
    #expect(files.count == 1)
    let begun = results.url.appendingPathComponent("out1.safetensors").path
    let file = results.url.appendingPathComponent("last.safetensors").path
    let (outcome, _) = try await train(
      tree, to: file,
      ["--negatives", "neither", "--from", begun, "--tune", "last:1", "--epochs", "2"])
    #expect(outcome.exitCode == 0, "\(outcome.errors)")
    #expect(try Model.load(path: file).output.activation == .sigmoid)
  }

  @Test("One label and images without it are enough; a division that is given is kept")
  func single() async throws {
    let (tree, results) = (try ImageTree(), try TemporaryFolder())
    try DrawnImages.add([("train/X", 0, 24), ("train/not X", 1, 24)], to: tree)
    try DrawnImages.add([("val/X", 2, 8), ("val/not X", 3, 8)], to: tree)
    let file = results.url.appendingPathComponent("out.safetensors").path
    let contract =
      #"{"resize": {"rule": "shorter_side", "size": 36, "filter": "bilinear"}, "#
      + #""crop": {"rule": "center", "height": 32, "width": 32}, "#
      + #""mean": [0.49, 0.48, 0.45], "std": [0.25, 0.24, 0.26]}"#
    for way in [
      ["--tune", "last:1", "--epochs", "1"], ["--arch", "resnet8-cifar", "--epochs", "1"],
      ["--tune", "head", "--preprocess", contract],
    ] {
      let (outcome, report) = try await train(
        tree, to: file, way + ["--negatives", "not X", "--force"])
      #expect(outcome.exitCode == 0, "\(way): \(outcome.errors)")
      #expect(report["labels"] as? [String] == ["X"])
      #expect(report["learned"] as? Int == 48 && report["held_out"] as? Int == 16)
      #expect(evaluation(report)["images"] as? Int == 16)
      let model = try Model.load(path: file)
      #expect(model.output.activation == .sigmoid && model.labels == ["X"])
      guard way.contains(contract) else { continue }
      let frames = try #require(report["frames"] as? [String: Any])
      let exact = try #require(evaluation(report)["exact"] as? Double)
      #expect(frames["images"] as? Int == 16)
      #expect(frames["centre_crop"] as? Int == Int((16 * exact).rounded()), "\(frames)")
      let page = try String(contentsOfFile: file + ".report.html", encoding: .utf8)
      #expect(page.contains("of 16 with all labels right by the middle of the image"))
    }
    let evaluated = try await ProgramUnderTest.run(
      "evaluate", "--model", file, "\(tree.path)/val", "--allow-unknown")
    #expect(evaluated.exitCode == 1 && evaluated.errors.contains("are independent"))
  }

  @Test("What independent labels cannot be learned from says why, and what to do")
  func refusals() async throws {
    let (tree, results) = (try ImageTree(), try TemporaryFolder())
    try DrawnImages.add([("a", 0, 6), ("b", 0, 3)], to: tree)
    let file = results.url.appendingPathComponent("out.safetensors").path
    let (all, _) = try await train(tree, to: file, ["--tune", "head"])
    #expect(all.exitCode == 1 && all.errors.contains("every image has the label"), "\(all)")
    try tree.file("none/0.bmp", DrawnImages.bitmap(kind: 0, number: 0))
    try tree.file("none/1.bmp", DrawnImages.bitmap(kind: 3, number: 1))
    let (both, report) = try await train(
      tree, to: file, ["--tune", "head", "--negatives", "none"])
    #expect(both.exitCode == 0, "\(both.errors)")
    let notes = report["notes"] as? [String] ?? []
    #expect(notes.contains { $0.contains("under a label and among those without any") }, "\(notes)")
    let (missing, _) = try await train(tree, to: file, ["--force", "--negatives", "nothing"])
    #expect(missing.exitCode == 1 && missing.errors.contains("there is no such folder in"))
    for (option, value) in [("--label-smoothing", "0.1"), ("--balance-by", "sampling")] {
      let (refused, _) = try await train(tree, to: file, [option, value])
      #expect(refused.exitCode == 2 && refused.errors.contains("is for classes of which an image"))
    }
    let classes = try await ProgramUnderTest.run(
      "train", tree.path, "-o", file, "--negatives", "none")
    #expect(classes.exitCode == 2 && classes.errors.contains("give --activation sigmoid with it"))
  }
}
