import Checkpoint
import Engine
import Foundation
import Glibc
import ResNet
import Testing

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
    // Somebody else's file of this name stays.
    try Data("poetry of others".utf8).write(to: URL(fileURLWithPath: lock))
    let other = try await ProgramUnderTest.run("train", tree.path, "-o", file, "--force")
    #expect(other.exitCode == 1 && other.errors.contains("is a file of something else"))
    #expect(try String(contentsOfFile: lock, encoding: .utf8) == "poetry of others")
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
}
