import Foundation
import Glibc
import Testing

/// Output that cannot be written.
@Suite struct OutputTests {
  private static let embedded =
    ProgramUnderTest.repository + "/Sources/CEmbeddedModels/resnet20-cifar10.safetensors"

  /// Runs the program in a shell, so that its output goes where `redirection` says.
  private func run(
    _ arguments: [String], _ redirection: String
  ) async throws -> ProgramUnderTest.Outcome {
    try await ProgramUnderTest.run(
      URL(fileURLWithPath: "/bin/sh"),
      ["-c", "\"$0\" \"$@\" \(redirection)", try ProgramUnderTest.url.path] + arguments)
  }

  @Test(
    "A full disk is a failure with a reason, whatever the command",
    arguments: [
      ["--version"], ["--help"], ["help", "serve"], ["serve", "--help"], ["inspect", "resnet18"],
      ["inspect", "resnet18", "--json"], ["pull", "--list"],
      ["classify", ProgramUnderTest.sampleImage],
      ["classify", "--json", ProgramUnderTest.sampleImage],
      ["bench", "--seconds", "100ms", "--batch", "1", "--threads", "1", "resnet18"],
    ])
  func full(arguments: [String]) async throws {
    let outcome = try await run(arguments, "> /dev/full")
    #expect(outcome.exitCode == 1)
    #expect(
      outcome.errors.contains("standard output cannot be written: No space left on device"),
      "\(outcome.errors)")
  }

  @Test("A model is written to a link's target, and takes the place of no pipe")
  func targets() async throws {
    let folder = try TemporaryFolder()
    let source = folder.url.appendingPathComponent("source.safetensors").path
    let target = try folder.file("target", "old").path
    let link = folder.url.appendingPathComponent("link").path
    let pipe = folder.url.appendingPathComponent("pipe").path
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: target)
    let isMade = unsafe mkfifo(pipe, 0o600) == 0
    #expect(isMade)
    #expect(try await ProgramUnderTest.run("convert", Self.embedded, source).exitCode == 0)
    let kept = try await ProgramUnderTest.run("convert", source, link)
    #expect(kept.exitCode == 1 && kept.errors.contains("exists; --force replaces it"))
    #expect(try String(contentsOfFile: target, encoding: .utf8) == "old")
    #expect(try await ProgramUnderTest.run("convert", "--force", source, link).exitCode == 0)
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == target)
    #expect(FileManager.default.contentsEqual(atPath: source, andPath: target))
    let refused = try await ProgramUnderTest.run("convert", source, pipe)
    #expect(refused.exitCode == 1 && refused.errors.contains("not a regular file"))
  }

  @Test("A closed descriptor is a failure, but not for what has nothing to say")
  func closed() async throws {
    let outcome = try await run(["--version"], ">&-")
    #expect(outcome.exitCode == 1 && outcome.errors.contains("Bad file descriptor"))
    // Sockets of its own must not be taken for standard output.
    let classified = try await run(["classify", ProgramUnderTest.sampleImage], ">&-")
    #expect(classified.exitCode == 1 && classified.errors.contains("Bad file descriptor"))
    let usage = try await run(["serv"], ">&-")
    #expect(usage.exitCode == 2 && !usage.errors.contains("Bad file descriptor"))
  }

  @Test("A reader that has gone ends it without a word, by the signal or as if by it")
  func pipe() async throws {
    let program = try ProgramUnderTest.url.path
    // The reader opens the pipe and is gone before the program begins.
    let script = """
      mkfifo "$1/pipe" && { true < "$1/pipe" & } && exec 3> "$1/pipe" && wait
      %@ "$0" inspect resnet18 >&3
      echo $?
      """
    for first in ["", "trap '' PIPE;"] {
      let folder = try TemporaryFolder()
      let outcome = try await ProgramUnderTest.run(
        URL(fileURLWithPath: "/bin/bash"),
        ["-c", script.replacingOccurrences(of: "%@", with: first), program, folder.url.path])
      #expect(outcome.output == "141\n", "\(first) \(outcome.output)")
      #expect(!outcome.errors.contains("resnetd:"), "\(outcome.errors)")
    }
  }
}
