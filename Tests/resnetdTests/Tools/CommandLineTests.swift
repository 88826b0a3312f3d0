import Foundation
import Testing

@Suite(.serialized) struct CommandLineTests {
  @Test("The version names the program and its libraries")
  func version() async throws {
    let outcome = try await ProgramUnderTest.run("--version")
    #expect(outcome.exitCode == 0)
    #expect(outcome.output.hasPrefix("resnetd "))
    for library in [
      "oneDNN", "libjpeg-turbo", "libspng", "libwebp", "giflib", "lcms2", "libtiff", "libheif",
      "libdav1d", "libde265", "OpenSSL", "jansson", "libzip", "libcurl", "expat", "PCRE2",
    ] {
      #expect(outcome.output.contains("\n\(library) "))
    }
  }

  @Test(
    "Wrong usage says what is wrong and exits with 2",
    arguments: [
      ([], "usage: resnetd"), (["serv"], "did you mean serve?"),
      (["serve", "--prot", "1"], "did you mean --port?"),
      (["serve", "--port"], "--port needs a value"),
      (["serve", "--port", "65536"], "from 0 to 65535"),
      (["serve", "--request-timeout", "5x"], "such as 500ms"),
      (["serve", "--body-limit=1XB"], "such as 64KiB"),
      (["serve", "--trusted-proxies", "10.0.0.1/8"], "prefixes like 10.0.0.0/8"),
      (["serve", "--trusted-proxies", "10.0.0.0/8,"], "prefixes like 10.0.0.0/8"),
      (["serve", "--client-request-rate", "0"], "from 1 to"),
      (["serve", "extra"], "unexpected argument \"extra\""),
      (["classify"], "name one or more images"),
      (["classify", "--json=yes", "x"], "--json takes no value"),
      (["classify", "--min-probability", "nan", "x"], "from 0 to 1"),
      (["bench"], "name one network or file"),
      (["quantize"], "name one model file"),
      (["quantize", "m", "-o", "x"], "--calibrate is needed: name a folder of images"),
      (["quantize", "m", "--percentile", "50"], "above 50"),
      (
        ["quantize", "m", "--calibrate", "d", "-o", "a/x.PTH"],
        "--output would hold safetensors, and \"x.PTH\" is the name of another format: call it "
          + "x.safetensors; PyTorch reads what convert"
      ),
      (
        ["quantize", "m", "--calibrate", "d", "-o", "x.onnx"],
        "call it x.safetensors; an ONNX file has no place for the calibration"
      ),
      (["bench", "--batch", "1,,2", "resnet18"], "--batch"),
      (["serve", "--admin-host", "0.0.0.0"], "--admin-token-file"),
      (["serve", "--prefer-model"], "--prefer-model needs --model"),
      (["serve", "--model-store", "models"], "--model-store needs --state-dir"),
      (
        ["serve", "--state-dir", "s", "--model-store", "s3://b"],
        "--model-store: model store s3://b"
      ),
      (
        ["serve", "--port", "8081", "--admin-port", "8081"], "--port and --admin-port are both 8081"
      ),
      (
        ["serve", "--port", "9090", "--metrics-port", "9090", "--metrics-host", "::"],
        "--port and --metrics-port are both 9090"
      ),
      (["serve", "--workers", "0x2"], "a whole number"), (["serve", "--workers", "+2"], "a whole"),
      (["serve", "--body-limit", "+1KiB"], "such as 64KiB"),
      (["serve", "--request-timeout", ".5s"], "not \".5s\"; write 0.5s"),
      (["classify", "--min-probability", "5.", "x"], "not \"5.\"; write 5"),
      (["classify", "--min-probability", ",5", "x"], "not \",5\"; write 0.5"),
      (["quantize", "m", "--percentile", "+99.9"], "not \"+99.9\"; write 99.9"),
      (
        ["model", "canary", "01234567", "--percent", ".5", "--admin-port", "1"],
        "not \".5\"; write 0.5"
      ),
      (["classify", "--min-probability", "0x1", "x"], "a decimal number from 0 to 1"),
      (["quantize", "m", "--percentile", "0x63"], "above 50"),
      (["healthcheck", "--path", "livez"], "begins with a slash"),
      (["healthcheck", "--path", "/a b"], "visible ASCII"),
    ])
  func usage(arguments: [String], message: String) async throws {
    let outcome = try await ProgramUnderTest.run(
      ProgramUnderTest.url, arguments, environment: ["RESNETD_MODEL": ""])
    #expect(outcome.exitCode == 2)
    #expect(outcome.errors.contains(message), "\(outcome.errors)")
    #expect(outcome.output.isEmpty)
  }

  @Test(
    "An unknown option is told with the one that was probably meant",
    arguments: [
      (["classify", "--outputs", "x"], "--output"), (["classify", "--thread", "2"], "--jobs"),
      (["serve", "--thread", "2"], "--threads"), (["bench", "--num-threads", "2"], "--threads"),
      (["classify", "--topk", "2"], "--top-k"), (["classify", "--top_k=2"], "--top-k"),
      (["classify", "--resize-mode", "x"], "--preprocess"),
      (["serve", "--crop-pct=1"], "--preprocess"),
      (["classify", "--checkpoint", "x"], "--model"),
      (["classify", "--class-map", "x"], "--labels"),
      (["serve", "--num-workers", "2"], "--workers"), (["evaluate", "--num-workers=2"], "--jobs"),
      (["serve", "--batch-size", "2"], "--max-batch"), (["bench", "--batch_size", "2"], "--batch"),
      (["classify", "--threshold", "0.5"], "--min-probability"),
      (["classify", "--overwrite"], "--force"), (["classify", "--recurse"], "--recursive"),
      (["evaluate", "--dtype", "int8"], "--precision"),
      (["healthcheck", "--max-time", "2"], "--timeout"),
      (["serve", "--token", "x"], "--admin-token-file"), (["serve", "--Port", "1"], "--port"),
      (["quantize", "--num-images", "9"], "--pictures"),
      (["serve", "--limit-body", "1"], "--body-limit"),
    ])
  func suggestions(arguments: [String], option: String) async throws {
    let outcome = try await ProgramUnderTest.run(ProgramUnderTest.url, arguments)
    #expect(outcome.exitCode == 2)
    #expect(outcome.errors.contains("; did you mean \(option)?"), "\(outcome.errors)")
  }

  @Test(
    "An option that is like none is told without a guess",
    arguments: [["serve", "--xyzzy"], ["classify", "--colour", "x"], ["serve", "--q1"]])
  func strangers(arguments: [String]) async throws {
    let outcome = try await ProgramUnderTest.run(ProgramUnderTest.url, arguments)
    #expect(outcome.exitCode == 2 && !outcome.errors.contains("did you mean"), "\(outcome.errors)")
  }

  @Test("A variable sets an option, and is named where it is wrong")
  func environment() async throws {
    let wrong = try await ProgramUnderTest.run("serve", environment: ["RESNETD_QUEUE_LIMIT": "x"])
    #expect(wrong.exitCode == 2)
    #expect(wrong.errors.contains("RESNETD_QUEUE_LIMIT is a whole number"))
    let server = try await ServerUnderTest(
      environment: ["RESNETD_NAME": "from-environment", "RESNETD_ACCESS_LOG": "off"])
    let answer = try await server.curl(
      "-T", ProgramUnderTest.sampleImage, "\(server.address)/classify")
    #expect(answer.body.contains(#""name":"from-environment""#))
    #expect(!server.logged.contains(#""message":"request""#))
  }

  @Test(
    "Every command has help that names its options",
    arguments: [
      "serve", "classify", "evaluate", "inspect", "bench", "pull", "quantize", "model",
      "api-key", "healthcheck",
    ])
  func help(command: String) async throws {
    let outcome = try await ProgramUnderTest.run(command, "--help")
    #expect(outcome.exitCode == 0)
    #expect(outcome.output.hasPrefix("usage: resnetd \(command)"))
    #expect(outcome.output.contains("  --"))
  }

  @Test(
    "Every option of a command is in its section of docs/commands.md",
    arguments: [
      "serve", "classify", "evaluate", "inspect", "bench", "pull", "quantize", "convert", "run",
      "model", "api-key", "healthcheck",
    ])
  func documentation(command: String) async throws {
    let manual = try String(
      contentsOfFile: ProgramUnderTest.repository + "/docs/commands.md", encoding: .utf8)
    let sections = manual.split(separator: "\n## ")
    let section = try #require(
      sections.first(where: { $0.hasPrefix("`resnetd \(command)`") }), "\(command)")
    let help = try await ProgramUnderTest.run(command, "--help").output
    let flags = help.matches(of: /(?m)^  (?:-[a-z], )?(--[a-z-]+)/).map { String($0.output.1) }
      .filter { $0 != "--help" }
    #expect(!flags.isEmpty)
    for flag in flags { #expect(section.contains("`\(flag)"), "\(command) \(flag)") }
  }

  @Test("Images are classified from files and from standard input")
  func classify() async throws {
    let image = ProgramUnderTest.sampleImage
    let outcome = try await ProgramUnderTest.run("classify", "--json", "--top-k", "2", image)
    #expect(outcome.exitCode == 0)
    let answer = try #require(
      try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
    let predictions = try #require(answer["predictions"] as? [[String: Any]])
    #expect(predictions.count == 2)
    #expect(predictions[0]["label"] as? String == "ship")
  }

  @Test("More classes than the model has are refused, as in a request")
  func tooManyClasses() async throws {
    let outcome = try await ProgramUnderTest.run(
      "classify", "--model", "resnet20-cifar10", "--top-k", "11", ProgramUnderTest.sampleImage)
    #expect(outcome.exitCode == 1 && outcome.output.isEmpty)
    #expect(outcome.errors.contains("from 1 to 10, the classes of resnet20-cifar10, not 11"))
  }

  @Test("A file that is no image is reported, the others are classified, the exit code is 1")
  func badFiles() async throws {
    let outcome = try await ProgramUnderTest.run(
      "classify", "/nonexistent.jpg", ProgramUnderTest.sampleImage, #filePath)
    #expect(outcome.exitCode == 1)
    #expect(outcome.output.contains("ship"))
    #expect(outcome.errors.contains("/nonexistent.jpg: cannot open it"))
    #expect(outcome.errors.contains("\(#filePath): the bytes are text; accepted are JPEG, PNG"))
  }

  @Test("An unusable model is one clear line and exit code 1")
  func badModel() async throws {
    let folder = try TemporaryFolder()
    let model = try folder.file("model.safetensors", "not a model, but long enough for a header")
    for command in ["serve", "classify"] {
      let outcome = try await ProgramUnderTest.run(
        ProgramUnderTest.url, [command, "--model", model.path] + (command == "serve" ? [] : ["x"]))
      #expect(outcome.exitCode == 1)
      #expect(outcome.errors.contains(model.path))
      #expect(outcome.errors.split(separator: "\n").count == 1)
    }
  }
}
