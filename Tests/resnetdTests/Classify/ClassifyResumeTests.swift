import Foundation
import Glibc
import Testing

/// Files of answers that are written, interrupted and gone on with.
@Suite struct ClassifyResumeTests {
  private func tree(_ count: Int) throws -> ImageTree {
    let tree = try ImageTree()
    for index in 0..<count { try tree.image("images/\(index + 10)\(index == 3 ? "\n" : "").jpg") }
    try tree.file("images/broken.jpg")
    return tree
  }

  @Test(
    "A file that ends anywhere is completed to what it would have been",
    arguments: ["csv", "jsonl"])
  func resumes(ending: String) async throws {
    let tree = try tree(8)
    let images = tree.path + "/images"
    let output = "\(tree.path)/out.\(ending)"
    let whole = try await ProgramUnderTest.run("classify", images, "-o", output)
    #expect(whole.exitCode == 1)
    let wanted = try Data(contentsOf: URL(fileURLWithPath: output))
    let refused = try await ProgramUnderTest.run("classify", images, "-o", output)
    #expect(refused.exitCode == 1 && refused.errors.contains("--resume goes on with it"))
    for count in [0, 3, wanted.count / 3, wanted.count / 2, wanted.count - 1, wanted.count] {
      try wanted.prefix(count).write(to: URL(fileURLWithPath: output))
      let outcome = try await ProgramUnderTest.run("classify", images, "-o", output, "--resume")
      // As without the interruption, whichever run met the broken file.
      #expect(outcome.exitCode == 1, "\(outcome.errors)")
      #expect(try Data(contentsOf: URL(fileURLWithPath: output)) == wanted, "\(count)")
    }
    try tree.image("images/99.jpg")
    let more = try await ProgramUnderTest.run("classify", images, "-o", output, "--resume")
    #expect(more.exitCode == 1)
    #expect(more.errors.contains("1 image in") && more.errors.contains("9 were done before"))
  }

  @Test("Rows of another model, other settings or another program are not gone on with")
  func others() async throws {
    let tree = try tree(2)
    let images = tree.path + "/images"
    let output = "\(tree.path)/out.csv"
    func resume(_ options: String...) async throws -> String {
      let arguments = ["classify", images, "-o", output, "--resume"] + options
      let outcome = try await ProgramUnderTest.run(ProgramUnderTest.url, arguments)
      #expect(outcome.exitCode == 1)
      return outcome.errors
    }
    _ = try await ProgramUnderTest.run("classify", images, "-o", output, "--precision", "fp32")
    #expect(try await resume("--top-k", "2").contains("give the same model and --top-k again"))
    #expect(
      try await resume("--precision", "fp32", "--min-probability", "0.5").contains(
        "line 2: made with the precision, labels, contract or options"))
    #expect(
      try await resume("--precision", "fp32", "--output-name", "logits").contains("options of run"))
    let text = try String(contentsOfFile: output, encoding: .utf8)
    let rows = ImageTree.rows(text)
    let version = try #require(rows.dropFirst().first)[2]
    try text.replacing(version, with: "0123456789ab").write(
      toFile: output, atomically: false, encoding: .utf8)
    #expect(
      try await resume("--precision", "fp32").contains(
        "made with the model's version \"0123456789ab\", this run has \"\(version)\""))
    let endless = text + "\"" + String(repeating: "x\n", count: 1 << 20)
    try endless.write(toFile: output, atomically: false, encoding: .utf8)
    #expect(try await resume("--precision", "fp32").contains("never ends"))
    #expect(try String(contentsOfFile: output, encoding: .utf8) == endless)
    try "name,label\na,b\n".write(toFile: output, atomically: false, encoding: .utf8)
    #expect(try await resume().contains("its columns are not those of this run"))
    #expect(try String(contentsOfFile: output, encoding: .utf8) == "name,label\na,b\n")
  }

  @Test(
    "SIGINT ends it with whole rows, whatever the list still waits for",
    arguments: [SIGINT, SIGTERM])
  func interrupted(signal: Int32) async throws {
    let tree = try tree(3)
    let list = "\(tree.path)/list"
    let output = "\(tree.path)/out.csv"
    let isMade = unsafe mkfifo(list, 0o600) == 0
    #expect(isMade)
    let process = Process()
    // Whoever runs the tests in the background ignores SIGINT, and the program would inherit that.
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [
      "--default-signal=INT", try ProgramUnderTest.url.path, "classify", "--files-from", list,
      "-o", output,
    ]
    process.environment = ProgramUnderTest.isolated([:])
    process.standardError = FileHandle.nullDevice
    try process.run()
    // Nobody closes the list before the end, so that only the signal can bring that about.
    let writer = try FileHandle(forUpdating: URL(fileURLWithPath: list))
    try writer.write(contentsOf: Data("\(tree.path)/images/10.jpg\n".utf8))
    let deadline = ContinuousClock.now + ProgramUnderTest.timeLimit
    func rows() -> Int {
      ((try? String(contentsOfFile: output, encoding: .utf8)) ?? "").count { $0 == "\n" }
    }
    while rows() < 2, .now < deadline { try await Task.sleep(for: .milliseconds(5)) }
    kill(process.processIdentifier, signal)
    await ProgramUnderTest.end(of: process, within: ProgramUnderTest.timeLimit)
    #expect(process.terminationReason == .exit)
    #expect(process.terminationStatus == 128 + signal)
    #expect(rows() == 2)
    try writer.close()
  }
}
