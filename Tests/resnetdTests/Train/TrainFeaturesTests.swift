import Foundation
import Testing

/// `resnetd train --features` and `--cache`: features of images on disk.
@Suite struct TrainFeaturesTests {
  @Test("Features on disk give the same file as in memory, and go at the end")
  func disk() async throws {
    let (tree, results) = (try ImageTree(), try TemporaryFolder())
    try DrawnImages.add([("a", 0, 12), ("b", 1, 12)], to: tree)
    let file = results.url.appendingPathComponent("out.safetensors").path
    for labels in [[], ["--activation", "sigmoid", "--views", "2"]] {
      var files: Set<Data> = []
      for place in ["memory", "disk"] {
        let (outcome, report) = try await TrainOptions.train(
          tree, to: file, ["--features", place, "--regularization", "0.1"] + labels)
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        #expect(report["feature_storage"] as? String == place)
        files.insert(try Data(contentsOf: URL(fileURLWithPath: file)))
      }
      #expect(files.count == 1)
      #expect(!FileManager.default.fileExists(atPath: file + ".features"))
    }
  }

  @Test("A cache that is a file is refused by the option's name, before anything is read")
  func fileAsCache() async throws {
    let tree = try ImageTree()
    let file = try tree.file("cache", Data("text".utf8))
    let outcome = try await ProgramUnderTest.run(
      "train", tree.path, "--tune", "head", "--cache", file, "-o", "\(tree.path)/out.safetensors")
    #expect(outcome.exitCode == 1)
    #expect(
      outcome.errors.contains("--cache \(file): it is not a folder"), "\(outcome.errors)")
  }

  @Test("A cache is used by the next training, for images that are the same, and never damaged")
  func cache() async throws {
    let (tree, results) = (try ImageTree(), try TemporaryFolder())
    try DrawnImages.add([("a", 0, 8), ("b", 1, 8)], to: tree)
    let file = results.url.appendingPathComponent("out.safetensors").path
    let cache = results.url.appendingPathComponent("cache").path
    let options = ["--cache", cache, "--regularization", "0.1", "--views", "2"]
    func run(_ more: [String] = []) async throws -> (reused: Int?, errors: String, file: Data) {
      let (outcome, report) = try await TrainOptions.train(tree, to: file, options + more)
      #expect(outcome.exitCode == 0, "\(outcome.errors)")
      return (
        report["reused"] as? Int, outcome.errors, try Data(contentsOf: URL(fileURLWithPath: file))
      )
    }
    let first = try await run()
    #expect(first.reused == 0)
    let second = try await run(["-j", "1"])
    #expect(second.reused == 16 && second.file == first.file)
    #expect(second.errors.contains("features of 16 of 16 images are from \(cache)"))
    #expect(second.errors.contains("views of 16 images are from \(cache)"))
    // The seed decides what views show, and not what the images themselves do.
    let other = try await run(["--seed", "1"])
    #expect(other.reused == 16 && !other.errors.contains("views of 16 images are from"))
    try DrawnImages.add([("b", 1, 9)], to: tree)
    let more = try await run()
    #expect(more.reused == 16 && more.errors.contains("of 16 of 17 images"))
    let left = cache + "/0123456789abcdef-01234567.tmp"
    try Data("incomplete".utf8).write(to: URL(fileURLWithPath: left))
    #expect(
      try await run().errors.contains("1 incomplete file of a run that was killed was removed"))
    #expect(!FileManager.default.fileExists(atPath: left))
    #expect(try await run().reused == 17)
    for name in try FileManager.default.contentsOfDirectory(atPath: cache) {
      let url = URL(fileURLWithPath: "\(cache)/\(name)")
      var bytes = try Data(contentsOf: url)
      bytes[70] ^= 1
      try bytes.write(to: url)
    }
    let damaged = try await run()
    #expect(damaged.reused == 0 && damaged.file == more.file)
    #expect(damaged.errors.contains(".features: it is damaged: its bytes are not those"))
    #expect(try await run().reused == 17)
  }

  @Test("A folder that cannot be, a disk without room, and options without sense are refused")
  func refusals() async throws {
    let (tree, disk) = (try ImageTree(), try TemporaryFolder())
    try DrawnImages.add([("a", 0, 40), ("b", 1, 40)], to: tree)
    let file = disk.url.appendingPathComponent("out.safetensors").path
    for (options, words) in [
      (["--cache", "x", "--features", "memory"], "--features memory has none there"),
      (["--features", "tape"], "--features is auto or memory or disk"),
      (["--features", "disk", "--tune", "all"], "--features is for a new last layer by itself"),
      (["--cache", "x", "--epochs", "2"], "--cache is for a new last layer by itself, and"),
    ] {
      let (outcome, _) = try await TrainOptions.train(tree, to: file, options)
      #expect(outcome.exitCode == 2 && outcome.errors.contains(words), "\(outcome.errors)")
    }
    let (nowhere, _) = try await TrainOptions.train(
      tree, to: file, ["--cache", "\(disk.url.path)/a/b"])
    #expect(nowhere.exitCode == 1 && nowhere.errors.contains("for features cannot be made"))
    // A disk of 1 MiB, in a name space of its own; where that is not allowed nothing is tested.
    let shell = """
      mount -t tmpfs -o size=1m none "$1" || exit 99
      "$2" train "$3" -o "$4" --cache "$1/cache" --views 64 --from resnet20-cifar10
      """
    let place = try TemporaryFolder()
    let outcome = try await ProgramUnderTest.run(
      URL(fileURLWithPath: "/usr/bin/env"),
      [
        "unshare", "-rm", "sh", "-c", shell, "sh", place.url.path,
        try ProgramUnderTest.url.path, tree.path, file,
      ], environment: ["PATH": "/usr/bin:/bin:/usr/sbin:/sbin"])
    withExtendedLifetime(place) {}
    guard outcome.errors.contains("resnetd train") || outcome.exitCode == 0 else { return }
    #expect(outcome.exitCode == 1, "\(outcome.errors)")
    #expect(
      outcome.errors.contains("the features of all images may take")
        && outcome.errors.contains("another one by --cache"), "\(outcome.errors)")
    #expect(!FileManager.default.fileExists(atPath: file))
  }
}
