import Checkpoint
import Engine
import Foundation
import Glibc
import ResNet
import Testing
import resnetd

/// Files of `resnetd train` that others write, or that find no room.
@Suite struct TrainFilesTests {
  private func tree() throws -> ImageTree {
    let tree = try ImageTree()
    try DrawnImages.add([("a", 0, 8), ("b", 1, 8)], to: tree)
    return tree
  }

  @Test("A second run that writes the same file is refused, and one that was killed stops nobody")
  func twoRuns() async throws {
    let (tree, results) = (try tree(), try TemporaryFolder())
    let file = results.url.appendingPathComponent("out.safetensors").path
    let lock = file + ".train.lock"
    // Processes that other tests start must not hold it too.
    let descriptor = unsafe open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    #expect(flock(descriptor, LOCK_EX | LOCK_NB) == 0)
    try Data("4711\n".utf8).write(to: URL(fileURLWithPath: lock), options: [])
    let link = results.url.appendingPathComponent("link.safetensors").path
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: file)
    let second = try await ProgramUnderTest.run("train", tree.path, "-o", file)
    #expect(second.exitCode == 1)
    #expect(second.errors.contains("another training is to be written to it, by process 4711;"))
    #expect(!FileManager.default.fileExists(atPath: file))
    close(descriptor)
    let third = try await ProgramUnderTest.run("train", tree.path, "-o", file)
    #expect(third.exitCode == 0, "\(third.errors)")
    #expect(!FileManager.default.fileExists(atPath: lock))
    // Two names of one file.
    let again = unsafe open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    #expect(flock(again, LOCK_EX | LOCK_NB) == 0)
    let linked = try await ProgramUnderTest.run("train", tree.path, "-o", link, "--force")
    #expect(linked.exitCode == 1 && linked.errors.contains("another training"))
    close(again)
    // Two names of a file that is not there yet.
    try FileManager.default.removeItem(atPath: file)
    let early = unsafe open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    #expect(flock(early, LOCK_EX | LOCK_NB) == 0)
    let dangling = try await ProgramUnderTest.run("train", tree.path, "-o", link, "--force")
    #expect(dangling.exitCode == 1 && dangling.errors.contains("another training"))
    close(early)
    // Somebody else's file of this name stays.
    try Data("poetry of others".utf8).write(to: URL(fileURLWithPath: lock))
    let other = try await ProgramUnderTest.run("train", tree.path, "-o", file, "--force")
    #expect(other.exitCode == 1 && other.errors.contains("is a file of something else"))
    #expect(try String(contentsOfFile: lock, encoding: .utf8) == "poetry of others")
  }

  @Test("A model that does not compute what its file says is not built on")
  func damagedParent() async throws {
    let (tree, results) = (try tree(), try TemporaryFolder())
    let file = results.url.appendingPathComponent("out.safetensors").path
    let first = try await ProgramUnderTest.run(
      ProgramUnderTest.url, TrainOptions.small(["train", tree.path, "-o", file]))
    #expect(first.exitCode == 0, "\(first.errors)")
    let model = try Model.load(path: file)
    let samples = model.goldenSamples.map {
      GoldenSample(encodedImage: $0.encodedImage, logits: $0.logits.map { $0 + 7 })
    }
    #expect(!samples.isEmpty)
    let damaged = results.url.appendingPathComponent("damaged.safetensors").path
    try model.with(goldenSamples: samples).write(to: damaged)
    let second = try await ProgramUnderTest.run(
      "train", tree.path, "-o", file, "--force", "--from", damaged)
    #expect(second.exitCode == 1)
    #expect(second.errors.contains("does not compute what its file says: golden sample 0:"))
    #expect(try Model.load(path: file).version == model.version)
  }

  @Test("Names of others cannot drive the terminal, nor fill it")
  func names() async throws {
    let (tree, results) = (try tree(), try TemporaryFolder())
    let file = results.url.appendingPathComponent("out.safetensors").path
    try tree.file("\u{1B}[2Jclear\n/0.bmp", DrawnImages.bitmap(kind: 2, number: 0))
    let outcome = try await ProgramUnderTest.run("train", tree.path, "-o", file)
    #expect(outcome.exitCode == 1)
    #expect(outcome.errors.contains(#"/\u{1B}[2Jclear\n: its name cannot be a label: "#))
    #expect(!outcome.errors.contains("\u{1B}"))
    let list = results.url.appendingPathComponent("list.txt").path
    let label = String(repeating: "x", count: 1 << 20)
    try "a/0.bmp,\(label)\nb/0.bmp,b\n".write(toFile: list, atomically: true, encoding: .utf8)
    for command in [["train", tree.path, "-o", file], ["evaluate", tree.path]] {
      let outcome = try await ProgramUnderTest.run(
        ProgramUnderTest.url, command + ["--list", list])
      #expect(outcome.exitCode == 1)
      #expect(outcome.errors.utf8.count < 20_000, "\(outcome.errors.utf8.count)")
    }
    try FileManager.default.removeItem(atPath: "\(tree.path)/\u{1B}[2Jclear\n")
    try DrawnImages.add([(" blank", 2, 3)], to: tree)
    let blank = try await ProgramUnderTest.run("train", tree.path, "-o", file)
    #expect(blank.exitCode == 1)
    #expect(blank.errors.contains("the label has a blank at its beginning or end"))
  }

  @Test("A progress line has room on its terminal, and says how long it will take last of all")
  func progressLine() {
    let detail = "1234 images/s, loss 0.651, top-1 66.67 %, 9 min 12 s left"
    for columnCount in 1...140 {
      let line = ProgressBar.line(
        "training", "17/3200", share: 0.5, detail, columnCount: columnCount)
      #expect(line.count < max(2, columnCount))
      #expect(columnCount < 60 || line.hasSuffix(" 9 min 12 s left"))
      #expect(columnCount < 40 || line.contains("17/3200"))
    }
    let whole = ProgressBar.line("images", "1/2", share: 0.5, "", columnCount: 80)
    #expect(whole == "images [" + String(repeating: "#", count: 15) + "...............] 1/2")
    #expect(ProgressBar.line("trials", "3", share: nil, "", columnCount: 80) == "trials 3")
  }

  @Test("What is no file is refused before anything is learned")
  func device() async throws {
    let tree = try tree()
    let pipe = "\(tree.path)/pipe"
    let status = unsafe mkfifo(pipe, 0o600)
    #expect(status == 0)
    let outcome = try await ProgramUnderTest.run("train", tree.path, "-o", pipe)
    #expect(outcome.exitCode == 1 && outcome.errors.contains("pipe: it is not a regular file"))
    #expect(!outcome.errors.contains("features"))
  }

  @Test("A disk without room for the files is noticed before anything is learned")
  func fullDisk() async throws {
    let (tree, disk) = (try tree(), try TemporaryFolder())
    // A disk of 1 MiB, in a name space of its own; where that is not allowed nothing is tested.
    let shell = """
      mount -t tmpfs -o size=1m none "$1" || exit 99
      "$2" train "$3" -o "$1/out.safetensors"
      """
    let outcome = try await ProgramUnderTest.run(
      URL(fileURLWithPath: "/usr/bin/env"),
      [
        "unshare", "-rm", "sh", "-c", shell, "sh", disk.url.path,
        try ProgramUnderTest.url.path, tree.path,
      ], environment: ["PATH": "/usr/bin:/bin:/usr/sbin:/sbin"])
    withExtendedLifetime(disk) {}
    guard outcome.errors.contains("resnetd train") || outcome.exitCode == 0 else { return }
    #expect(outcome.exitCode == 1)
    #expect(
      outcome.errors.contains("the model and its page may take")
        && outcome.errors.contains("MiB are free on that disk"), "\(outcome.errors)")
  }

  @Test("A model file carries its ranges for int8, with the agreement on images held out")
  func int8() async throws {
    let (tree, results) = (try ImageTree(), try TemporaryFolder())
    try DrawnImages.add([("a", 0, 130), ("b", 1, 130)], to: tree)
    let file = results.url.appendingPathComponent("out.safetensors").path
    func trained(_ arguments: String...) async throws -> [String: Any] {
      let outcome = try await ProgramUnderTest.run(
        ProgramUnderTest.url,
        TrainOptions.small(
          ["train", tree.path, "-o", file, "--force", "--json", "--name", "x"] + arguments))
      #expect(outcome.exitCode == 0, "\(outcome.errors)")
      let report = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
      return try #require((report as? [String: Any])?["int8"] as? [String: Any])
    }
    let left = try await trained("--no-int8")
    #expect(left["included"] as? Bool == false && left["reason"] as? String == "as --no-int8 says")
    #expect(try Model.load(path: file).calibration == nil)
    let few = try await trained("--held-out", "0.05")
    #expect((few["reason"] as? String)?.hasPrefix("it takes 100 learned images and 50") == true)
    var versions: Set<ModelVersion> = []
    for jobs in ["1", "3"] {
      let int8 = try await trained("--jobs", jobs)
      let model = try Model.load(path: file)
      guard Precision.int8.isSupported else {
        #expect((int8["reason"] as? String)?.contains("int8 needs") == true)
        continue
      }
      #expect(int8["included"] as? Bool == true && int8["images"] as? Int == 52, "\(int8)")
      let calibration = try #require(model.calibration)
      #expect(calibration.method.hasPrefix("percentile 99.99 over 100 images; top-1 agreement "))
      #expect(calibration.method.hasSuffix(" on 52 images held out"))
      versions.insert(model.version)
      let answer = try await ProgramUnderTest.run(
        "classify", "--model", file, "--precision", "int8", "\(tree.path)/b/3.bmp")
      #expect(answer.output.split(separator: "\n").first?.hasSuffix("b") == true)
    }
    #expect(versions.count <= 1)
  }

  @Test("Both spellings of a value are taken")
  func spelling() async throws {
    let tree = try tree()
    for word in ["colour", "color"] {
      let outcome = try await ProgramUnderTest.run(
        "train", tree.path, "-o", "\(tree.path)/x.onnx", "--augment", word)
      #expect(outcome.exitCode == 2 && !outcome.errors.contains("--augment"), "\(outcome.errors)")
    }
  }

  @Test("A folder in the place of a file of the training is refused with a remedy")
  func folderInTheWay() async throws {
    let (tree, results) = (try tree(), try TemporaryFolder())
    let file = results.url.appendingPathComponent("out.safetensors").path
    let cases: [(name: String, words: String)] = [
      (".checkpoint", "layers are trained with their state in a file of this name: rename it"),
      (".train.lock", "rename or remove it if it is there, or give another --output"),
      (".report.html", "it is a folder"), ("", "it is a folder"),
    ]
    for (name, words) in cases {
      try FileManager.default.createDirectory(
        atPath: file + name, withIntermediateDirectories: false)
      for option in [[], ["--force"], ["--resume", "--tune", "all"]]
      where option.count < 2 || name == ".checkpoint" {
        let outcome = try await ProgramUnderTest.run(
          ProgramUnderTest.url, ["train", tree.path, "-o", file] + option)
        #expect(
          outcome.exitCode == 1 && outcome.errors.contains(words),
          "\(name) \(option): \(outcome.errors)")
      }
      try FileManager.default.removeItem(atPath: file + name)
    }
  }
}
