import Checkpoint
import Foundation
import Imaging
import ResNet
import Testing

/// `resnetd train` where other layers than the last are trained.
@Suite struct TrainLayersTests {
  private func tree() throws -> ImageTree {
    let tree = try ImageTree()
    try DrawnImages.add([("a", 0, 40), ("b", 1, 40), ("c", 2, 40)], to: tree)
    return tree
  }

  private func train(
    _ tree: ImageTree, to file: String, _ arguments: String...
  ) async throws -> ProgramUnderTest.Outcome {
    try await ProgramUnderTest.run(
      ProgramUnderTest.url,
      TrainOptions.small(["train", tree.path, "-o", file, "--json", "--name", "x"] + arguments))
  }

  private func weights(_ path: String) throws -> [String: [UInt32]] {
    let model = try Model.load(path: path)
    return Dictionary(
      uniqueKeysWithValues: model.weights.names.map { name in
        (name, model.weights[name]?.values.map(\.bitPattern) ?? [])
      })
  }

  @Test("All layers, from a trained network, the same on any number of threads")
  func all() async throws {
    let (tree, results) = (try tree(), try TemporaryFolder())
    var files: Set<Data> = []
    for jobs in ["1", "2", "4"] {
      let file = results.url.appendingPathComponent("out\(jobs).safetensors")
      let outcome = try await train(
        tree, to: file.path, "--tune", "all", "--epochs", "2", "-j", jobs)
      #expect(outcome.exitCode == 0, "\(outcome.errors)")
      let report = try #require(
        try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
      let course = try #require(report["course"] as? [String: Any])
      #expect((course["epochs"] as? [Any])?.count == 2)
      #expect(outcome.errors.contains("epoch 2 of 2: loss "))
      #expect(outcome.errors.contains("all layers of resnet20-cifar10"))
      // Statistics of the average take one pass over the images at most.
      let steps = try #require(
        outcome.errors.firstMatch(of: /2 epochs of ([0-9]+) steps/)?.output.1)
      #expect(
        outcome.errors.contains(
          #"{"event":"statistics","done":\#(steps),"total":\#(steps)}"#), "\(outcome.errors)")
      files.insert(try Data(contentsOf: file))
    }
    #expect(files.count == 1)
  }

  @Test("Layers before the last stage remain as they are, bit for bit")
  func last() async throws {
    let (tree, results) = (try tree(), try TemporaryFolder())
    let file = results.url.appendingPathComponent("out.safetensors").path
    let outcome = try await train(tree, to: file, "--tune", "last:1", "--epochs", "2")
    #expect(outcome.exitCode == 0, "\(outcome.errors)")
    let last = results.url.appendingPathComponent("out.last.safetensors").path
    let trained = try weights(FileManager.default.fileExists(atPath: last) ? last : file)
    let begun = try Model.embedded(.cifar10)
    var changedCount = 0
    for name in begun.weights.names where !name.hasPrefix("fc.") {
      let isSame = begun.weights[name]?.values.map(\.bitPattern) == trained[name]
      if name.hasPrefix("layer3.") {
        changedCount += isSame ? 0 : 1
      } else {
        #expect(isSame, "\(name)")
      }
    }
    #expect(changedCount > 10)
    let refused = try await train(tree, to: file, "--tune", "last:9", "--force")
    #expect(refused.exitCode == 1 && refused.errors.contains("has 3 stages"))
  }

  @Test("A trained network is trained on images of another size, with a warning")
  func otherSize() async throws {
    let (tree, results) = (try tree(), try TemporaryFolder())
    let file = results.url.appendingPathComponent("out.safetensors").path
    let contract =
      #"{"resize": {"rule": "exact", "height": 40, "width": 40, "filter": "bilinear"}, "#
      + #""crop": {"rule": "none"}, "mean": [0.49, 0.48, 0.45], "std": [0.25, 0.24, 0.26]}"#
    let outcome = try await train(
      tree, to: file, "--tune", "last:1", "--epochs", "1", "--preprocess", contract)
    #expect(outcome.exitCode == 0, "\(outcome.errors)")
    #expect(outcome.errors.contains("prepared in another way than --preprocess says"))
    let trained = try Model.load(path: file)
    #expect(trained.architecture?.inputSize == 40)
    #expect(trained.preprocessing.outputSize == (40, 40))
    let begun = try Model.embedded(.cifar10)
    #expect(trained.weights["conv1.weight"]?.values == begun.weights["conv1.weight"]?.values)
  }

  @Test("A training that is told to stop goes on to the same file")
  func resumed() async throws {
    let (tree, results) = (try tree(), try TemporaryFolder())
    let whole = results.url.appendingPathComponent("whole.safetensors")
    let parts = results.url.appendingPathComponent("parts.safetensors")
    let options = ["--tune", "all", "--epochs", "12", "--batch", "16"]
    let outcome = try await ProgramUnderTest.run(
      ProgramUnderTest.url,
      TrainOptions.small(["train", tree.path, "-o", whole.path, "--name", "x"] + options))
    #expect(outcome.exitCode == 0, "\(outcome.errors)")
    let stopped = try await StoppedTraining.exitCode(
      TrainOptions.small(["train", tree.path, "-o", parts.path, "--name", "x"] + options))
    #expect(stopped == 143)
    #expect(!FileManager.default.fileExists(atPath: parts.path))
    // Nothing is lost by beginning anew without a word.
    let again = try await train(tree, to: parts.path, "--tune", "all")
    #expect(again.exitCode == 1 && again.errors.contains("--resume goes on with that training"))
    let other = try await train(
      tree, to: parts.path, "--tune", "all", "--epochs", "12", "--batch", "16", "--resume",
      "--seed", "1")
    #expect(other.exitCode == 1 && other.errors.contains("is of another training"))
    let longer = try await train(
      tree, to: parts.path, "--tune", "all", "--epochs", "7", "--batch", "16", "--resume")
    #expect(
      longer.exitCode == 1 && longer.errors.contains("has 12, by which its rates are planned"))
    // One bit of a number is enough.
    let checkpoint = URL(fileURLWithPath: parts.path + ".checkpoint")
    let state = try Data(contentsOf: checkpoint)
    var damaged = state
    damaged[state.count - 100_001] ^= 1
    try damaged.write(to: checkpoint)
    let broken = try await ProgramUnderTest.run(
      ProgramUnderTest.url,
      TrainOptions.small(
        ["train", tree.path, "-o", parts.path, "--name", "x", "--resume"] + options))
    #expect(broken.exitCode == 1 && broken.errors.contains("it is damaged"))
    for other in [Data(), state.prefix(1000), Data("something else".utf8)] {
      try other.write(to: checkpoint)
      let refused = try await ProgramUnderTest.run(
        ProgramUnderTest.url,
        TrainOptions.small(
          ["train", tree.path, "-o", parts.path, "--name", "x", "--resume"] + options))
      #expect(
        refused.exitCode == 1
          && refused.errors.contains("begin anew with --force in place of --resume"))
      #expect(!refused.errors.contains("fetch or copy"))
    }
    try state.write(to: checkpoint)
    let resumed = try await ProgramUnderTest.run(
      ProgramUnderTest.url,
      TrainOptions.small(
        ["train", tree.path, "-o", parts.path, "--name", "x", "--resume"] + options))
    #expect(resumed.exitCode == 0, "\(resumed.errors)")
    #expect(resumed.errors.contains("going on after step"))
    #expect(try Data(contentsOf: whole) == Data(contentsOf: parts))
    #expect(!FileManager.default.fileExists(atPath: parts.path + ".checkpoint"))
  }

  @Test("A network from scratch, and what cannot be trained")
  func fresh() async throws {
    let (tree, results) = (try tree(), try TemporaryFolder())
    let file = results.url.appendingPathComponent("out.safetensors").path
    let outcome = try await train(tree, to: file, "--arch", "resnet20-cifar", "--epochs", "2")
    #expect(outcome.exitCode == 0, "\(outcome.errors)")
    #expect(try Model.load(path: file).labels == ["a", "b", "c"])
    #expect(outcome.errors.contains("all layers of resnet20-cifar from scratch"))
    let head = try await train(tree, to: file, "--arch", "resnet20-cifar", "--tune", "head")
    #expect(head.exitCode == 2 && head.errors.contains("is a network from scratch"))
    let idle = try await train(tree, to: file, "--tune", "head", "--epochs", "3")
    #expect(idle.exitCode == 2 && idle.errors.contains("--epochs is for the training of layers"))
    let both = try await train(tree, to: file, "--tune", "all", "--time", "1m", "--epochs", "2")
    #expect(both.exitCode == 2 && both.errors.contains("give it or --epochs, not both"))
    let nothing = try await train(tree, to: file, "--resume")
    #expect(nothing.exitCode == 1 && nothing.errors.contains("exists; --force replaces it"))
    let exploding = try await train(
      tree, to: file, "--force", "--tune", "all", "--epochs", "2", "--learning-rate", "1e30")
    #expect(exploding.exitCode == 1 && exploding.errors.contains("is not finite"))
  }

  @Test("A training that takes longer than its first steps promised is shortened")
  func shortened() async throws {
    let (tree, results) = (try ImageTree(), try TemporaryFolder())
    // Of so few images the judgement after each epoch takes longer than the epoch.
    try DrawnImages.add([("a", 0, 20), ("b", 1, 20)], to: tree)
    let file = results.url.appendingPathComponent("out.safetensors").path
    let outcome = try await train(
      tree, to: file, "--arch", "resnet8-cifar", "--time", "6s", "--batch", "16", "--no-int8")
    #expect(outcome.exitCode == 0, "\(outcome.errors)")
    guard outcome.errors.contains("epochs take longer than planned: ") else {
      // It was fast, or has stopped early.
      return
    }
    let report = try #require(
      try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
    let course = try #require(report["course"] as? [String: Any])
    let count = try #require(course["epoch_count"] as? Int)
    #expect(
      (course["recipe"] as? String)?.hasSuffix(
        "shortened on the way to \(count) epochs to end in time")
        == true)
    let epochs = try #require(course["epochs"] as? [[String: Any]])
    // The cycle has gone to its end, unless nothing improved any more.
    guard epochs.count == count else { return }
    let rates = epochs.compactMap { $0["learning_rate"] as? Double }
    #expect(try #require(rates.last) < 1e-3 * (try #require(rates.max())))
  }
}
