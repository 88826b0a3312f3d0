import Foundation
import Testing

@Suite struct ConvertTests {
  private static let embedded =
    ProgramUnderTest.repository + "/Sources/CDefaultModel/default-model.safetensors"

  private func classify(_ model: String) async throws -> String {
    let outcome = try await ProgramUnderTest.run(
      "classify", "--json", "--precision", "fp32", "--model", model,
      ProgramUnderTest.samplePicture)
    #expect(outcome.exitCode == 0, "\(outcome.errors)")
    // Without the version, which is the file's.
    return outcome.output.replacing(/"version": ?"[0-9a-f]+"/, with: "")
  }

  @Test("A plain copy needs the labels again, and a native copy of that one needs nothing")
  func roundTrip() async throws {
    let folder = try TemporaryFolder()
    let plain = folder.url.appendingPathComponent("plain.safetensors").path
    let native = folder.url.appendingPathComponent("native.safetensors").path
    let toPlain = try await ProgramUnderTest.run(
      "convert", "--to", "plain", Self.embedded, plain)
    #expect(toPlain.exitCode == 0, "\(toPlain.errors)")
    let unlabelled = try await ProgramUnderTest.run("convert", plain, native)
    #expect(unlabelled.exitCode == 1)
    #expect(unlabelled.errors.contains("--labels"))
    #expect(!FileManager.default.fileExists(atPath: native))

    let labels = try folder.file(
      "labels.txt",
      "airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n")
    let inspected = try await ProgramUnderTest.run("inspect", "--json", Self.embedded)
    let report = try #require(
      try JSONSerialization.jsonObject(with: Data(inspected.output.utf8)) as? [String: Any])
    let model = try #require(report["model"] as? [String: Any])
    let contract = try JSONSerialization.data(
      withJSONObject: try #require(model["preprocessing"]))
    let preprocessing = try folder.file("contract.json", String(decoding: contract, as: UTF8.self))
    let toNative = try await ProgramUnderTest.run(
      "convert", plain, native, "--labels", labels.path, "--preprocess", preprocessing.path,
      "--name", "resnet20-cifar10")
    #expect(toNative.exitCode == 0, "\(toNative.errors)")
    #expect(try await classify(native) == classify(Self.embedded))
  }

  @Test("Two files are named, no more and no fewer")
  func usage() async throws {
    #expect(try await ProgramUnderTest.run("convert", Self.embedded).exitCode == 2)
  }
}
