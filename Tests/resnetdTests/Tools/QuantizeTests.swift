import Engine
import Foundation
import Testing

@Suite(.serialized) struct QuantizeTests {
  private static let model =
    ProgramUnderTest.repository + "/Sources/CEmbeddedModels/resnet20-cifar10.safetensors"

  /// Makes enough copies of the sample for a calibration, in a folder of a class, by links as well,
  /// and something else beside them.
  private func images(_ count: Int = 15) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    let sample = try Data(contentsOf: URL(fileURLWithPath: ProgramUnderTest.sampleImage))
    let files = FileManager.default
    let ship = folder.url.appendingPathComponent(".elsewhere")
    try files.createDirectory(at: ship, withIntermediateDirectories: true)
    try sample.write(to: ship.appendingPathComponent("0.JPG"))
    for index in 1..<count {
      try files.createSymbolicLink(
        atPath: ship.appendingPathComponent("\(index).JPG").path, withDestinationPath: "0.JPG")
    }
    try files.createSymbolicLink(
      atPath: folder.url.appendingPathComponent("ship").path, withDestinationPath: ".elsewhere")
    _ = try folder.file("readme.txt", "not an image")
    return folder
  }

  /// Expects the refusal of a CPU that cannot tell how good a quantised model is.
  private func expectRefusal(_ outcome: ProgramUnderTest.Outcome, _ output: String) {
    #expect(outcome.exitCode == 1 && outcome.errors.contains("int8 needs"))
    #expect(!FileManager.default.fileExists(atPath: output))
  }

  @Test("A quantised model says so, keeps its weights' answers and reports the agreement")
  func quantizes() async throws {
    let folder = try images()
    let output = folder.url.appendingPathComponent("int8.safetensors").path
    let outcome = try await ProgramUnderTest.run(
      "quantize", Self.model, "--calibrate", folder.url.path, "-o", output, "--json")
    guard Precision.int8.isSupported else { return expectRefusal(outcome, output) }
    #expect(outcome.exitCode == 0, "\(outcome.errors)")
    #expect(outcome.errors.contains("warning: 12 images to calibrate on (one in 5 is held out"))
    #expect(outcome.errors.contains("at least 100 are advised"))
    let report = try #require(
      try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
    #expect(report["pictures"] as? Int == 3)
    #expect(report["top1"] as? Double == 1)
    let difference = try #require(report["largest_probability_difference"] as? Double)
    #expect(difference > 0 && difference < 0.05)

    let inspected = try await ProgramUnderTest.run("inspect", output)
    #expect(inspected.output.contains("percentile 99.99 over 12 images"))
    for precision in ["int8", "auto", "fp32"] {
      let classified = try await ProgramUnderTest.run(
        "classify", "--model", output, "--precision", precision, ProgramUnderTest.sampleImage)
      #expect(classified.exitCode == 0)
      #expect(classified.output.split(separator: "\n").first?.hasSuffix("ship") == true)
    }
  }

  @Test("An ONNX network is quantised into a model file of its own graph")
  func importedNetwork() async throws {
    let folder = try images()
    let network = ProgramUnderTest.repository + "/Tests/CheckpointTests/Fixtures/basic-13.onnx"
    let output = folder.url.appendingPathComponent("int8.safetensors").path
    let labels = try folder.file("labels.txt", "ant\nbee\ncat\ndog\nemu\n").path
    let outcome = try await ProgramUnderTest.run(
      "quantize", network, "--calibrate", folder.url.path, "-o", output, "--labels", labels)
    guard Precision.int8.isSupported else { return expectRefusal(outcome, output) }
    #expect(outcome.exitCode == 0, "\(outcome.errors)")
    let inspected = try await ProgramUnderTest.run("inspect", output)
    #expect(inspected.output.contains("percentile 99.99 over 12 images"))
    #expect(inspected.output.contains("a graph of its own"))
    var best: Set<Substring?> = []
    for precision in ["int8", "fp32"] {
      let classified = try await ProgramUnderTest.run(
        "classify", "--model", output, "--precision", precision, ProgramUnderTest.sampleImage)
      #expect(classified.exitCode == 0, "\(classified.errors)")
      best.insert(classified.output.split(separator: "\n").first?.split(separator: " ").last)
    }
    #expect(best.count == 1)
  }

  @Test("A grey network is quantised by the contract that it needs")
  func greyNetwork() async throws {
    let folder = try images()
    let network = ProgramUnderTest.repository + "/Tests/CheckpointTests/Fixtures/grey-17.onnx"
    let output = folder.url.appendingPathComponent("int8.safetensors").path
    let labels = try folder.file("labels.txt", "ant\nbee\ncat\ndog\nemu\n").path
    let contract =
      #"{"resize": {"rule": "exact", "height": 28, "width": 28}, "mean": [0.1307], "std": [0.3081]}"#
    let outcome = try await ProgramUnderTest.run(
      "quantize", network, "--calibrate", folder.url.path, "-o", output, "--labels", labels,
      "--preprocess", contract)
    guard Precision.int8.isSupported else { return expectRefusal(outcome, output) }
    #expect(outcome.exitCode == 0, "\(outcome.errors)")
    var answers: [[Substring]] = []
    for arguments in [
      ["--model", output, "--precision", "int8"],
      ["--model", network, "--labels", labels, "--preprocess", contract],
    ] {
      let classified = try await ProgramUnderTest.run(
        ProgramUnderTest.url, ["classify"] + arguments + [ProgramUnderTest.sampleImage])
      #expect(classified.exitCode == 0, "\(classified.errors)")
      let first = try #require(classified.output.split(separator: "\n").first)
      answers.append(first.split(separator: " "))
    }
    #expect(answers[0].last == answers[1].last)
  }

  @Test("A result under the bar is refused and not written")
  func refuses() async throws {
    let folder = try images()
    let output = folder.url.appendingPathComponent("int8.safetensors").path
    let outcome = try await ProgramUnderTest.run(
      "quantize", Self.model, "--calibrate", folder.url.path, "--output", output,
      "--percentile", "51")
    guard Precision.int8.isSupported else { return expectRefusal(outcome, output) }
    #expect(outcome.exitCode == 1)
    #expect(outcome.errors.contains("less than the bar of 97.00 %; nothing was written"))
    #expect(!FileManager.default.fileExists(atPath: output))
  }

  @Test("Images that cannot be read are named and left out; too few are refused")
  func badImages() async throws {
    let folder = try images(9)
    let broken = try folder.file("ship/broken.png", "no image")
    let outcome = try await ProgramUnderTest.run(
      "quantize", Self.model, "--calibrate", folder.url.path, "-o", "\(folder.url.path)/model")
    guard Precision.int8.isSupported else {
      return expectRefusal(outcome, "\(folder.url.path)/model")
    }
    #expect(outcome.exitCode == 1)
    #expect(outcome.errors.contains("\(broken.path): the bytes are text; accepted are"))
    #expect(outcome.errors.contains("at least 10 are needed"))
  }

  @Test("A place that cannot be written is refused before anything is read")
  func place() async throws {
    for arguments in [
      ["quantize", "/nonexistent.pth", "--calibrate", "/nonexistent", "-o"],
      ["convert", "/nonexistent.pth"],
    ] {
      let outcome = try await ProgramUnderTest.run(
        ProgramUnderTest.url, arguments + ["/nonexistent/model"])
      #expect(outcome.exitCode == 1)
      #expect(
        outcome.errors.contains("cannot write /nonexistent/model: No such file"),
        "\(outcome.errors)")
    }
  }

  @Test("int8 without a calibration is refused with what to do about it")
  func uncalibrated() async throws {
    for command in [["serve", "--port", "0"], ["classify", ProgramUnderTest.sampleImage]] {
      let outcome = try await ProgramUnderTest.run(
        ProgramUnderTest.url, command + ["--precision", "int8"])
      #expect(outcome.exitCode == 1)
      #expect(outcome.errors.contains("resnetd quantize"))
    }
  }
}
