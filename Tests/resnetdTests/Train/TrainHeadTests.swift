import Checkpoint
import Foundation
import ResNet
import Testing

/// `resnetd train --tune head`: the ways in which a last layer is learned.
@Suite struct TrainHeadTests {
  private func tree(_ counts: [(name: String, kind: Int, count: Int)]) throws -> ImageTree {
    let tree = try ImageTree()
    try DrawnImages.add(counts, to: tree)
    return tree
  }

  @Test("Views are learned from and never judged, the same on any number of threads")
  func views() async throws {
    let (tree, results) = (try tree([("a", 0, 9), ("b", 1, 9)]), try TemporaryFolder())
    let file = results.url.appendingPathComponent("out.safetensors").path
    for labels in [[], ["--activation", "sigmoid"]] {
      var files: Set<Data> = []
      for jobs in ["1", "3"] {
        let (outcome, report) = try await TrainOptions.train(
          tree, to: file, ["--views", "3", "--augment", "crop", "-j", jobs] + labels)
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        #expect(report["views"] as? Int == 3 && report["learned"] as? Int == 18)
        let evaluation = report["evaluation"] as? [String: Any]
        let judged = (evaluation?["precisions"] as? [[String: Any]])?.first ?? evaluation ?? [:]
        #expect(judged["images"] as? Int == 18, "\(report)")
        files.insert(try Data(contentsOf: URL(fileURLWithPath: file)))
      }
      #expect(files.count == 1)
      let recipe = try Model.load(path: file).provenance?.recipe ?? ""
      #expect(recipe.contains("3 views of each image beside it (crops of images"), "\(recipe)")
      let (_, plain) = try await TrainOptions.train(tree, to: file, labels)
      #expect(plain["views"] as? Int == 0)
      #expect(try Data(contentsOf: URL(fileURLWithPath: file)) != files.first)
    }
  }

  @Test("SGD fits a last layer in its steps, the same on any number of threads")
  func descent() async throws {
    let (tree, results) = (try tree([("a", 0, 24), ("b", 1, 24)]), try TemporaryFolder())
    let file = results.url.appendingPathComponent("out.safetensors").path
    for labels in [[], ["--activation", "sigmoid"]] {
      var files: Set<Data> = []
      for jobs in ["1", "2"] {
        let (outcome, report) = try await TrainOptions.train(
          tree, to: file,
          ["--head-solver", "sgd", "--regularization", "0.01", "-j", jobs] + labels)
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        #expect(report["solver"] as? String == "sgd" && report["converged"] is NSNull)
        files.insert(try Data(contentsOf: URL(fileURLWithPath: file)))
      }
      #expect(files.count == 1)
      #expect(try Model.load(path: file).provenance?.recipe?.contains(" by SGD, reg") == true)
    }
  }

  @Test("A head of two layers serves, is inspected and converted, and is trained further")
  func hidden() async throws {
    let (tree, results) = (try tree([("a", 0, 24), ("b", 1, 24)]), try TemporaryFolder())
    let file = results.url.appendingPathComponent("out.safetensors").path
    for options in [["--head-solver", "lbfgs"], ["--activation", "sigmoid"]] {
      let (outcome, report) = try await TrainOptions.train(
        tree, to: file, ["--hidden", "6", "--regularization", "0.001"] + options)
      #expect(outcome.exitCode == 0, "\(outcome.errors)")
      #expect(report["hidden"] as? Int == 6)
      #expect(report["solver"] as? String == (options[1] == "lbfgs" ? "lbfgs" : "sgd"))
    }
    let model = try Model.load(path: file)
    #expect(model.weights["fc.0.weight"]?.shape == [6, 64])
    #expect(model.weights["fc.2.weight"]?.shape == [2, 6])
    #expect(model.provenance?.recipe?.contains("after one of 6 rectified units, ") == true)
    let inspected = try await ProgramUnderTest.run("inspect", file)
    #expect(inspected.exitCode == 0, "\(inspected.errors)")
    let image = "\(tree.path)/b/3.bmp"
    let answer = try await ProgramUnderTest.run(
      "classify", "--model", file, "--precision", "fp32", image)
    #expect(answer.output.split(separator: "\n").first?.hasSuffix("b") == true)
    let exported = results.url.appendingPathComponent("out.onnx").path
    let converted = try await ProgramUnderTest.run("convert", "--to", "onnx", file, exported)
    #expect(converted.exitCode == 0, "\(converted.errors)")
    let again = try await ProgramUnderTest.run("classify", "--model", exported, image)
    #expect(again.output.split(separator: "\n").first?.hasSuffix("b") == true, "\(again.errors)")
    let next = results.url.appendingPathComponent("next.safetensors").path
    let (further, report) = try await TrainOptions.train(
      tree, to: next, ["--tune", "head", "--from", file, "--regularization", "0.01"])
    #expect(further.exitCode == 0, "\(further.errors)")
    #expect(report["features"] as? Int == 6 && report["hidden"] is NSNull)
  }

  @Test("A first impression comes before the fit, and is in the report")
  func preview() async throws {
    let results = try TemporaryFolder()
    let file = results.url.appendingPathComponent("out.safetensors").path
    for (count, labels, leavesOneOut) in [
      (24, [], false), (9, ["--activation", "sigmoid"], true),
    ] {
      let tree = try tree([("a", 0, count), ("b", 1, count)])
      let (outcome, report) = try await TrainOptions.train(
        tree, to: file, ["--regularization", "0.1"] + labels)
      #expect(outcome.exitCode == 0, "\(outcome.errors)")
      let preview = try #require(report["preview"] as? [String: Any])
      #expect(preview["leave_one_out"] as? Bool == leavesOneOut)
      #expect(preview["accuracy"] as? Double ?? 0 > 0.8)
      let lines = outcome.errors.split(separator: "\n")
      let line = try #require(lines.first { $0.contains(#""event":"preview""#) })
      #expect(line.contains(leavesOneOut ? "left out one by one" : "images held out"))
    }
  }

  @Test("Options that do not go together are refused with a remedy")
  func refusals() async throws {
    let tree = try tree([("a", 0, 1), ("b", 1, 1)])
    let cases: [(options: [String], words: String)] = [
      (["--views", "0"], "--views is a whole number from 1 to 64"),
      (["--views", "2", "--augment", "none"], "--augment none changes nothing"),
      (["--views", "2", "--tune", "all"], "is for a new last layer by itself: give --tune head"),
      (
        ["--views", "2", "--epochs", "3"], "and --epochs for the training of layers: leave out one"
      ),
      (["--hidden", "9000"], "--hidden is a whole number from 1 to 8192"),
      (["--hidden", "8", "--tune", "all"], "--hidden is for a new last layer by itself"),
      (["--head-solver", "adam"], "--head-solver is lbfgs or sgd"),
      (["--head-solver", "sgd", "--tune", "last:1"], "--head-solver is for a new last layer by"),
      (["--tune", "head", "--augment", "crop"], "--augment is for the training of layers"),
    ]
    for item in cases {
      let (outcome, _) = try await TrainOptions.train(
        tree, to: "\(tree.path)/x.safetensors", item.options)
      #expect(outcome.exitCode == 2, "\(item.options)")
      #expect(outcome.errors.contains(item.words), "\(outcome.errors)")
    }
  }
}
