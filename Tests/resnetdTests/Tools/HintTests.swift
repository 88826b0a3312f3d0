import Foundation
import Testing

/// Words by which the program helps somebody who does not know it.
@Suite struct HintTests {
  @Test("The name of a network is told apart from that of a model, with how to get one")
  func network() async throws {
    let named = try await ProgramUnderTest.run(
      "classify", "--model", "resnet18", ProgramUnderTest.sampleImage)
    #expect(named.exitCode == 1)
    #expect(named.errors.contains("resnet18 is a network"), "\(named.errors)")
    #expect(named.errors.contains("resnet20-cifar10"))
    #expect(named.errors.contains("`resnetd pull resnet18`"))
    let small = try await ProgramUnderTest.run(
      "classify", "--model", "resnet56-cifar", ProgramUnderTest.sampleImage)
    #expect(small.errors.contains("is a network") && !small.errors.contains("resnetd pull"))
  }

  @Test("A server is told the same, by the whole path too, and the nearest name of weights")
  func path() async throws {
    let named = try await ProgramUnderTest.run("serve", "--check", "--model", "resnet50")
    #expect(named.exitCode == 1)
    #expect(named.errors.contains("; resnet50 is a network"), "\(named.errors)")
    #expect(named.errors.contains("`resnetd pull resnet50`"))
    let like = try await ProgramUnderTest.run(
      "classify", "--model", "wide_resnet50", ProgramUnderTest.sampleImage)
    #expect(like.errors.contains("did you mean wide_resnet50_2? `resnetd pull"), "\(like.errors)")
  }

  @Test(
    "An option in place of a command has a hint",
    arguments: [
      ("-v", "did you mean --version?"), ("--verison", "did you mean --version?"),
      ("--port", "a command comes first"),
    ])
  func options(option: String, hint: String) async throws {
    let outcome = try await ProgramUnderTest.run(option)
    #expect(outcome.exitCode == 2 && outcome.errors.contains(hint), "\(outcome.errors)")
  }

  @Test("A name that no model can have is refused before the work")
  func names() async throws {
    for arguments in [
      ["train", ".", "-o", "out.safetensors", "--name", "a b"],
      ["convert", "in", "out", "--name", ""], ["serve", "--name", "a/b"],
      ["model", "teach", "--as", "a b"],
    ] {
      let outcome = try await ProgramUnderTest.run(ProgramUnderTest.url, arguments)
      #expect(outcome.exitCode == 2, "\(outcome.errors)")
      #expect(outcome.errors.contains("without blanks"), "\(outcome.errors)")
    }
  }

  @Test("A token without a server to show it to is refused")
  func token() async throws {
    let outcome = try await ProgramUnderTest.run(
      "train", ".", "-o", "out.safetensors", "--token-file", "token")
    #expect(outcome.exitCode == 2 && outcome.errors.contains("--push"), "\(outcome.errors)")
  }

  @Test("A file beyond the limit of the process is told with the limit and what raises it")
  func fileSizeLimit() async throws {
    let folder = try TemporaryFolder()
    let output = folder.url.appendingPathComponent("out.safetensors").path
    let command = #"ulimit -f 64; exec "$0" convert resnet20-cifar10 "$1""#
    let outcome = try await ProgramUnderTest.run(
      URL(fileURLWithPath: "/bin/bash"), ["-c", command, ProgramUnderTest.url.path, output])
    #expect(outcome.exitCode == 1, "\(outcome.errors)")
    #expect(outcome.errors.contains("files of 65536 bytes at most"), "\(outcome.errors)")
    #expect(outcome.errors.contains("ulimit -f"))
    #expect(!FileManager.default.fileExists(atPath: output))
  }

  @Test("inspect shows a few of many display names, and all as JSON")
  func displayNames() async throws {
    let model = "resnet18-half-tinyimagenet"
    let text = try await ProgramUnderTest.run("inspect", model)
    let line = try #require(
      text.output.split(separator: "\n").first { $0.contains("display names: ") })
    #expect(line.contains("200 display names: African elephant: elephant (African), "))
    #expect(line.hasSuffix(", …") && line.count < 300, "\(line)")
    let json = try await ProgramUnderTest.run("inspect", model, "--json")
    let names = try #require(json.output.range(of: "\"display_names\" : {"))
    let last = try #require(json.output[names.upperBound...].firstIndex(of: "}"))
    #expect(json.output[names.upperBound..<last].count { $0 == ":" } == 200)
  }
}
