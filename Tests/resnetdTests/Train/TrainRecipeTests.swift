import Checkpoint
import Engine
import Foundation
import Testing

/// Options of `resnetd train` that decide how layers are trained.
@Suite struct TrainRecipeTests {
  private static let fresh = ["--arch", "resnet8-cifar", "--name", "x", "--batch", "16"]

  private func tree() throws -> ImageTree {
    let tree = try ImageTree()
    try DrawnImages.add([("a", 0, 40), ("b", 1, 20), ("c", 2, 20)], to: tree)
    return tree
  }

  private func train(
    _ tree: ImageTree, to file: String, _ options: [String]
  ) async throws -> ProgramUnderTest.Outcome {
    try await ProgramUnderTest.run(
      ProgramUnderTest.url, ["train", tree.path, "-o", file] + Self.fresh + options)
  }

  @Test("Every way of training gives the same file on any number of threads, and says what it is")
  func recipes() async throws {
    let (tree, results) = (try tree(), try TemporaryFolder())
    var files: Set<Data> = []
    let cases: [(options: [String], words: String)] = [
      ([], "SGD with Nesterov's momentum 0.9, one cycle up to a rate of 0.025"),
      (["--mixup", "0.4", "--augment", "colour,erase"], "a part erased of 25 %, mixup 0.4"),
      (["--augment", "none,colour"], "no crops, colour jitter"),
      (
        ["--optimizer", "adamw", "--schedule", "cosine", "--clip-norm", "1.5", "--average", "0.9"],
        "AdamW, half a cosine from a rate of 3.54e-4, weight decay 0.05"
      ),
      (["--clip-norm", "0.25", "--average", "0"], "norm of 0.25, no average of parameters"),
      (["--balance-by", "sampling"], "classes sampled equally often"),
      (["--balance-by", "weights"], "classes balanced"),
    ]
    for (number, item) in cases.enumerated() {
      var made: Set<Data> = []
      for jobs in number.isMultiple(of: 2) ? ["1"] : ["1", "3"] {
        let file = results.url.appendingPathComponent("\(number)-\(jobs).safetensors")
        let outcome = try await train(
          tree, to: file.path, ["--epochs", "2", "-j", jobs] + item.options)
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        made.insert(try Data(contentsOf: file))
        let recipe = try Model.load(path: file.path).provenance?.recipe ?? ""
        #expect(recipe.contains(item.words), "\(recipe)")
      }
      #expect(made.count == 1, "\(item.options)")
      files.formUnion(made)
    }
    #expect(files.count == cases.count)
    // What --balance alone has meant before it still means.
    let file = results.url.appendingPathComponent("balance.safetensors")
    _ = try await train(tree, to: file.path, ["--epochs", "2", "--balance"])
    #expect(files.contains(try Data(contentsOf: file)))
  }

  @Test("A training goes on by its own recipe to the same file, and by no other")
  func resumed() async throws {
    let (tree, results) = (try tree(), try TemporaryFolder())
    let whole = results.url.appendingPathComponent("whole.safetensors")
    let parts = results.url.appendingPathComponent("parts.safetensors")
    let recipe = [
      "--mixup", "0.3", "--optimizer", "adamw", "--clip-norm", "2", "--balance-by", "sampling",
      "--learning-rate", "0.00123456",
    ]
    let options = ["--epochs", "16"] + recipe
    #expect(try await train(tree, to: whole.path, options).exitCode == 0)
    let stopped = try await StoppedTraining.exitCode(
      ["train", tree.path, "-o", parts.path] + Self.fresh + options)
    #expect(stopped == 143)
    for (other, then, now) in [
      (["--mixup", "0.4"], "mixup 0.3", "mixup 0.4"),
      (["--optimizer", "sgd"], "AdamW", "SGD with"),
      (
        ["--clip-norm", "3"], "gradients clipped to a norm of 2.0",
        "gradients clipped to a norm of 3.0"
      ),
      (
        ["--learning-rate", "0.00123457"], "exactly a rate of 0.00123456",
        "exactly a rate of 0.00123457"
      ),
      (["--schedule", "cosine"], "one cycle", "half a cosine"),
      (["--balance-by", "weights"], "classes sampled equally often", "none of it"),
      (["--augment", "erase"], "", "a part erased"),
      (["--average", "0.9"], "none of it", "average of parameters by 0.9"),
    ] {
      let refused = try await train(tree, to: parts.path, ["--resume"] + options + other)
      #expect(
        refused.exitCode == 1 && refused.errors.contains("is of another training, by the options"),
        "\(other): \(refused.errors)")
      #expect(
        refused.errors.contains("by the options (then: \(then)")
          && refused.errors.contains(now) && !refused.errors.contains("batches of"),
        "\(other): \(refused.errors)")
    }
    let resumed = try await train(tree, to: parts.path, ["--resume"] + options)
    #expect(resumed.exitCode == 0, "\(resumed.errors)")
    #expect(try Data(contentsOf: whole) == Data(contentsOf: parts))
  }

  @Test(
    "A training in bf16 gives one file, on any number of threads, interrupted or not",
    .enabled(if: Precision.bf16.isNative, "the CPU has no avx512_bf16, or may not use it"))
  func bfloat16() async throws {
    let (tree, results) = (try tree(), try TemporaryFolder())
    let options = ["--epochs", "16", "--precision", "bf16"]
    let whole = results.url.appendingPathComponent("whole.safetensors")
    #expect(try await train(tree, to: whole.path, ["-j", "1"] + options).exitCode == 0)
    #expect(
      try Model.load(path: whole.path).provenance?.recipe?.contains("computed in bf16") == true)
    let parts = results.url.appendingPathComponent("parts.safetensors")
    let stopped = try await StoppedTraining.exitCode(
      ["train", tree.path, "-o", parts.path, "-j", "3"] + Self.fresh + options)
    #expect(stopped == 143)
    let other = try await train(
      tree, to: parts.path, ["--resume", "--epochs", "16", "--precision", "fp32"])
    #expect(other.exitCode == 1 && other.errors.contains("computed in bf16"), "\(other.errors)")
    let resumed = try await train(tree, to: parts.path, ["--resume", "-j", "2"] + options)
    #expect(resumed.exitCode == 0, "\(resumed.errors)")
    #expect(try Data(contentsOf: whole) == Data(contentsOf: parts))
    let plain = results.url.appendingPathComponent("plain.safetensors")
    #expect(try await train(tree, to: plain.path, ["--epochs", "16"]).exitCode == 0)
    #expect(try Data(contentsOf: whole) != Data(contentsOf: plain))
  }

  @Test("bf16 is refused where the instructions for it may not be used, with a remedy")
  func refusedPrecision() async throws {
    let tree = try tree()
    let file = "\(tree.path)/x.safetensors"
    let outcome = try await ProgramUnderTest.run(
      ProgramUnderTest.url,
      ["train", tree.path, "-o", file, "--precision", "bf16"] + Self.fresh,
      environment: ["RESNETD_MAX_CPU_ISA": "avx2"])
    #expect(outcome.exitCode == 1)
    #expect(
      outcome.errors.contains("needs a CPU with avx512_bf16") && outcome.errors.contains("in fp32"),
      "\(outcome.errors)")
  }

  @Test("Options that contradict each other, and values that are none, are refused with a remedy")
  func refusals() async throws {
    let tree = try tree()
    let cases: [(options: [String], words: String)] = [
      (["--mixup", "0"], "--mixup is a number from 0.01 to 100.0, not \"0\""),
      (["--average", "1"], "--average is a number from 0.0 to 0.999999"),
      (["--clip-norm", "0"], "--clip-norm is a number above 0, not \"0\""),
      (["--learning-rate", "0,01"], "is a number above 0, not \"0,01\"; write 0.01"),
      (["--mixup", ".2"], "100.0, not \".2\"; write 0.2"),
      (["--batch", "0"], "--batch is a whole number from 1 to 4096, not \"0\""),
      (["--batch", "x"], "--batch is a whole number from 1 to 4096, not \"x\""),
      (["--optimizer", "adam"], "--optimizer is sgd or adamw"),
      (["--schedule", "linear"], "--schedule is one-cycle or cosine"),
      (["--precision", "int8"], "--precision is fp32 or bf16"),
      (["--tune", "head", "--precision", "bf16"], "--precision is for the training of layers"),
      (["--balance-by", "loss"], "--balance-by is weights or sampling"),
      (["--augment", "crop,blur"], "--augment is auto, none, or a list such as crop,flip"),
      (["--augment", "none,crop"], "none says already what becomes of crops and flips"),
      (["--augment", "erase,erase"], "each word once"),
      (["--tune", "head", "--mixup", "0.2"], "--mixup is for the training of layers"),
      (["--tune", "head", "--optimizer", "adamw"], "--optimizer is for the training of layers"),
      (["--tune", "head", "--clip-norm", "1"], "--clip-norm is for the training of layers"),
      (["--tune", "head", "--balance-by", "sampling"], "--balance-by sampling is for"),
    ]
    for item in cases {
      let outcome = try await ProgramUnderTest.run(
        ProgramUnderTest.url,
        ["train", tree.path, "-o", "\(tree.path)/x.safetensors"] + item.options)
      #expect(outcome.exitCode == 2, "\(item.options)")
      #expect(outcome.errors.contains(item.words), "\(outcome.errors)")
    }
  }
}
