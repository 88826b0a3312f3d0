import Checkpoint
import Foundation
import HTTPCore
import HostileFiles
import Inference
import ModelStore
import ResNet
import Serving
import Testing

/// A server that began with a model in several files.
@Suite struct FirstModelTests {
  private static let weights = "weights"

  /// Makes a server whose first tensor's numbers are in another file.
  private func fixture() throws -> AdminFixture {
    var network = ModelFile.classifier
    let numbers = try Self.numbers()
    network.tensors[0].fill = ModelFile.external([("location", Self.weights)])
    return try AdminFixture(start: { path in
      let file = URL(fileURLWithPath: path)
      try Self.write(numbers, beside: file)
      try Data(network.bytes).write(to: file)
    })
  }

  private static func numbers() throws -> [Float] {
    let inside = try Model.load(bytes: ModelFile.classifier.bytes, fileName: "inside.onnx")
    return try #require(inside.weights["conv.weight"]).values
  }

  private static func write(_ numbers: [Float], beside file: URL) throws {
    let bytes = numbers.flatMap { PickleBytes.little($0.bitPattern).bytes }
    try Data(bytes).write(to: file.deletingLastPathComponent().appendingPathComponent(weights))
  }

  @Test("It is kept as one file, and a rollback brings it back with the version that it had")
  func kept() async throws {
    let admin = try fixture()
    let start = admin.served.pool.live.model
    #expect(try await admin.ask("PUT", "/admin/model", body: admin.file("next")).status == 200)
    #expect(admin.store.live?.previous == start.version)
    #expect(try await admin.ask("POST", "/admin/rollback").status == 200)
    let again = admin.served.pool.live.model
    #expect(again.version == start.version)
    #expect(again.graph == start.graph && again.labels == start.labels)
    let path = try #require(admin.store.path(of: again.version))
    let kept = try Model.load(path: path)
    #expect(kept.version == again.version)
    #expect(try kept.weights["conv.weight"]?.values == Self.numbers())
    #expect(try admin.incoming.isEmpty)
  }

  @Test(
    "Where one of them has changed or gone since, no rollback brings it back, and a warning says so",
    arguments: [true, false])
  func changed(_ isThere: Bool) async throws {
    let admin = try fixture()
    let file = admin.startFile.deletingLastPathComponent().appendingPathComponent(Self.weights)
    if isThere {
      try Self.write(Self.numbers().map { -$0 }, beside: admin.startFile)
    } else {
      try FileManager.default.removeItem(at: file)
    }
    #expect(try await admin.ask("PUT", "/admin/model", body: admin.file("next")).status == 200)
    #expect(admin.served.pool.live.model.labels[0] == "next0")
    #expect(admin.logged.contains("no rollback will bring it back"))
    #expect(admin.logged.contains(isThere ? "it has changed since the start" : "cannot be found"))
    #expect(try await admin.ask("POST", "/admin/rollback").status == 409)
    #expect(admin.store.versions().count == 1)
    #expect(try admin.incoming.isEmpty)
  }
}
