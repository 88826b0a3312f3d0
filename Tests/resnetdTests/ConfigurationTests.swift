import Foundation
import Testing

/// The file of `--config`, and `resnetd serve --check`.
@Suite struct ConfigurationTests {
  private func check(
    _ text: String, _ options: String..., environment: [String: String] = [:]
  ) async throws -> (outcome: ProgramUnderTest.Outcome, path: String, folder: TemporaryFolder) {
    let folder = try TemporaryFolder()
    let path = try folder.file("resnetd.conf", text).path
    let outcome = try await ProgramUnderTest.run(
      ProgramUnderTest.url, ["serve", "--config", path, "--check"] + options,
      environment: environment)
    return (outcome, path, folder)
  }

  /// Returns the cells of the row of an option.
  private func row(_ name: String, _ output: String) -> [String] {
    let line = output.split(separator: "\n").first { $0.hasPrefix(name + " ") }
    return line?.split(separator: "  ").map { $0.trimmingCharacters(in: .whitespaces) }
      .filter { !$0.isEmpty } ?? []
  }

  @Test("Options win over variables, these over lines of the file, these over defaults")
  func precedence() async throws {
    let text = """
      # A comment, and blanks around names and values.

        queue-limit =  11\u{20}
      image-limit=12
      body-limit = 13MiB
      prefer-model = false
      """
    let made = try await check(
      text, "--body-limit", "15MiB", environment: ["RESNETD_IMAGE_LIMIT": "14"])
    let output = made.outcome.output
    #expect(made.outcome.exitCode == 0, "\(made.outcome.errors)")
    #expect(row("queue-limit", output) == ["queue-limit", "11", "\(made.path), line 3"])
    #expect(
      row("image-limit", output) == ["image-limit", "14", "the variable RESNETD_IMAGE_LIMIT"])
    #expect(row("body-limit", output) == ["body-limit", "15MiB", "the command line"])
    #expect(row("backlog", output) == ["backlog", "1024", "default"])
    #expect(output.contains("model: resnet20-cifar10, version"))
    #expect(output.hasSuffix("ok\n"))
  }

  @Test("A check says of Unix sockets what a start does, and makes none")
  func sockets() async throws {
    let folder = try TemporaryFolder()
    let path = folder.url.path
    let file = try folder.file("file", "").path
    for (socket, words) in [
      (file, "what is there is not a socket"), (path + "/none/x", "No such file or directory"),
      (path + "/" + String(repeating: "x", count: 108), "File name too long"),
    ] {
      for option in ["--socket", "--admin-socket"] {
        let outcome = try await check("", option, socket).outcome
        #expect(outcome.exitCode == 1 && outcome.errors.contains("\(option): "), "\(outcome)")
        #expect(outcome.errors.contains(words) && outcome.errors.contains(socket), "\(outcome)")
      }
    }
    let outcome = try await check("", "--socket", path + "/x", "--tune", "off").outcome
    #expect(outcome.exitCode == 0 && outcome.output.hasSuffix("\nok\n"), "\(outcome)")
    #expect(!FileManager.default.fileExists(atPath: path + "/x"))
  }

  @Test("A check refuses a state folder that a start cannot use, for the right reason")
  func stateFolders() async throws {
    let folder = try TemporaryFolder()
    let file = try folder.file("file", "").path
    let link = folder.url.path + "/link"
    try FileManager.default.createSymbolicLink(
      atPath: link, withDestinationPath: folder.url.path + "/none")
    for (state, words) in [
      (file, "Not a directory"), (link, "a link to a place that is not there"),
    ] {
      let outcome = try await check("", "--state-dir", state).outcome
      #expect(outcome.exitCode == 1 && outcome.errors.contains("--state-dir: "), "\(outcome)")
      #expect(outcome.errors.contains(words), "\(outcome)")
    }
  }

  @Test("A limit of open files below what a server needs is told by a check and by a start")
  func descriptors() async throws {
    for options in [["--check"], ["--port", "0"]] {
      let outcome = try await ProgramUnderTest.run(
        URL(fileURLWithPath: "/bin/bash"),
        ["-c", #"ulimit -n 12; exec "$0" serve "$@""#, ProgramUnderTest.url.path] + options)
      #expect(outcome.exitCode == 1 && outcome.errors.contains("ulimit -n"), "\(outcome)")
    }
    let few = try await ProgramUnderTest.run(
      URL(fileURLWithPath: "/bin/bash"),
      ["-c", #"ulimit -n 64; exec "$0" serve --check --port 0"#, ProgramUnderTest.url.path])
    #expect(few.exitCode == 0 && few.errors.contains("fewer connections than"), "\(few)")
  }

  @Test("A check says that a folder to follow is not there, and does not end in ok")
  func missingStore() async throws {
    let folder = try TemporaryFolder()
    let path = folder.url.path
    let outcome = try await check(
      "", "--state-dir", path + "/state", "--model-store", path + "/none"
    ).outcome
    #expect(outcome.exitCode == 0 && outcome.errors.contains("cannot follow: "), "\(outcome)")
    #expect(outcome.errors.contains("\(path)/none/current.json: No such file"), "\(outcome)")
    #expect(outcome.output.hasSuffix("not be ready before that\n"), "\(outcome)")
  }

  @Test("Lines that are wrong are refused with their number and what was probably meant")
  func refusals() async throws {
    let cases: [(text: String, words: String)] = [
      ("\nprot = 1", #"line 2: there is no option "prot"; did you mean port?"#),
      ("port 1", "line 1: a line is `name = value`"),
      ("port = x", "line 1: port is a whole number from 0 to 65535"),
      ("port = 1\nport = 2", "line 2: port stands in line 1 already"),
      ("config = x", "line 1: config is for the command line"),
      ("check = true", "line 1: check is for the command line"),
      ("\u{feff}port = 1\n\nx", "line 3: a line is `name = value`"),
      ("admin-socket = /x\nadmin-port = 3", "may stand there, not both"),
      ("tls-cert = /x", "--tls-cert needs its --tls-key"),
    ]
    for item in cases {
      let outcome = try await check(item.text).outcome
      #expect(outcome.exitCode == 2, "\(item.text)")
      #expect(outcome.errors.contains(item.words), "\(outcome.errors)")
    }
    // What it names is loaded: none of these is there.
    for text in ["model = /nowhere.pth", "tls-cert = /no.pem\ntls-key = /no.key"] {
      let outcome = try await check(text, environment: ["RESNETD_MODEL": ""]).outcome
      #expect(outcome.exitCode == 1 && !outcome.output.contains("\nok"), "\(outcome.errors)")
    }
    let missing = try await ProgramUnderTest.run("serve", "--config", "/nowhere", "--check")
    #expect(missing.exitCode == 2 && missing.errors.contains("cannot open /nowhere"))
  }

  @Test(
    "What passes --check starts: the model is compiled and tried, in the memory that is allowed")
  func proved() async throws {
    let passed = try await check("port = 0")
    #expect(passed.outcome.output.contains("classes, in "), "\(passed.outcome)")
    #expect(passed.outcome.output.contains(": compiled and tried\nok\n"))
    for (text, words) in [
      ("precision = int8", "has no calibration for int8"),
      ("memory-limit = 64MiB", "memory limit"),
    ] {
      let outcome = try await check("port = 0\n\(text)").outcome
      #expect(outcome.exitCode == 1 && outcome.errors.contains(words), "\(outcome)")
      #expect(!outcome.output.contains("\nok"))
    }
  }

  @Test("--check reads the state folder without a change, also while a server has it")
  func stateFolder() async throws {
    let folder = try TemporaryFolder()
    let state = folder.url.appendingPathComponent("state").path
    let fresh = try await check("port = 0\nstate-dir = \(state)").outcome
    #expect(fresh.exitCode == 0 && fresh.output.contains("holds no models yet"), "\(fresh)")
    #expect(!FileManager.default.fileExists(atPath: state))
    let server = try await ServerUnderTest("--state-dir", state)
    let model = folder.url.appendingPathComponent("other.safetensors").path
    let made = try await ProgramUnderTest.run(
      "convert", "resnet20-cifar10", model, "--name", "other")
    #expect(made.exitCode == 0, "\(made.errors)")
    let upload = try await server.curl("-T", model, "\(try await server.adminAddress)/admin/model")
    #expect(upload.status == 200, "\(upload.body)")
    let used = try await check("port = 0\nstate-dir = \(state)").outcome
    #expect(used.exitCode == 0, "\(used)")
    #expect(used.output.contains("is in use by another server now"))
    #expect(
      used.output.contains("model: other, version ") && used.output.contains("live in --state-dir"))
    #expect(await server.stop() == 0)
    // A damaged file is what the start would find.
    let versions = URL(fileURLWithPath: state).appendingPathComponent("versions")
    for name in try FileManager.default.contentsOfDirectory(atPath: versions.path)
    where !name.hasSuffix(".json") {
      try Data("damage".utf8).write(to: versions.appendingPathComponent(name))
    }
    let damaged = try await check("port = 0\nstate-dir = \(state)\nadmin = off").outcome
    #expect(damaged.exitCode == 1, "\(damaged)")
    #expect(damaged.errors.contains("name the model to serve by --model and --prefer-model"))
  }

  @Test("A server that reads a file serves by it")
  func serves() async throws {
    let folder = try TemporaryFolder()
    let file = try folder.file("resnetd.conf", "admin = off\nimage-limit = 1\n")
    let server = try await ServerUnderTest("--config", file.path)
    let image = ProgramUnderTest.sampleImage
    let answer = try await server.curl(
      "-F", "a=@\(image)", "-F", "b=@\(image)", "\(server.address)/classify")
    #expect(answer.status == 413)
    #expect(await server.stop() == 0)
  }
}
