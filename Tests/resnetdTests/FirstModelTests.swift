import Checkpoint
import Foundation
import HostileFiles
import ResNet
import Testing

/// A server that begins with a model in several files.
@Suite(.serialized) struct FirstModelTests {
  private static let embedded =
    ProgramUnderTest.repository + "/Sources/CEmbeddedModels/resnet20-cifar10.safetensors"

  /// Writes an ONNX file without labels whose first two tensors, a Constant node's and an
  /// initialiser, are in another file.
  private func write(to folder: URL) throws -> String {
    let inside = try Model.load(bytes: ModelFile.classifier.bytes, fileName: "inside.onnx")
    var bytes: [UInt8] = []
    var file = ModelFile.classifier
    file.metadata = []
    for (index, name) in ["conv.weight", "bn.weight"].enumerated() {
      file.tensors[index].fill = ModelFile.external([
        ("location", "network.data"), ("offset", "\(bytes.count)"),
      ])
      bytes += try #require(inside.weights[name]).values.flatMap {
        PickleBytes.little($0.bitPattern).bytes
      }
    }
    file.moveFirstTensorIntoNode()
    try Data(bytes).write(to: folder.appendingPathComponent("network.data"))
    let path = folder.appendingPathComponent("network.onnx")
    try Data(file.bytes).write(to: path)
    return path.path
  }

  /// Returns the version of the model, which an answer names.
  private func classified(_ server: ServerUnderTest) async throws -> String {
    let answer = try await server.curl(
      "-T", ProgramUnderTest.sampleImage, "\(server.address)/classify")
    #expect(answer.status == 200)
    return answer.body
  }

  @Test(
    "What convert makes of it has its version; a rollback brings it back, a restart finds it without its files"
  )
  func life() async throws {
    let folder = try TemporaryFolder()
    let model = try write(to: folder.url)
    let labels = try folder.file("labels", (0..<10).map { "class \($0)\n" }.joined())
    let parts = ["--labels", labels.path, "--preprocess", "cifar10", "--name", "several"]
    let converted = folder.url.appendingPathComponent("one.safetensors").path
    let conversion = try await ProgramUnderTest.run(
      ProgramUnderTest.url, ["convert", model, converted] + parts)
    #expect(conversion.exitCode == 0, "\(conversion.errors)")
    let version = try Model.load(path: converted).version

    let state = folder.url.appendingPathComponent("state").path
    let server = try await ServerUnderTest(
      options: ["--state-dir", state, "--model", model] + parts)
    let admin = try await server.adminAddress
    let first = try await classified(server)
    #expect(
      first.contains(#""model":{"name":"several","version":"\#(version.short)"}"#), "\(first)")
    let upload = try await server.curl("-T", Self.embedded, "\(admin)/admin/model")
    #expect(upload.status == 200, "\(upload.body)")
    #expect(try await classified(server) != first)
    let kept = try await server.curl("\(admin)/admin/versions").body
    #expect(kept.contains(version.short), "\(kept)")
    for file in [model, folder.url.appendingPathComponent("network.data").path] {
      try FileManager.default.removeItem(atPath: file)
    }
    #expect(try await server.curl("-X", "POST", "\(admin)/admin/rollback").status == 200)
    #expect(try await classified(server) == first)
    #expect(!server.logged.contains("no rollback will bring it back"))
    #expect(await server.stop() == 0)

    let again = try await ServerUnderTest(
      options: ["--state-dir", state, "--model", model] + parts)
    #expect(try await classified(again) == first)
    #expect(await again.stop() == 0)
  }
}
