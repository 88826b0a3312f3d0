import Checkpoint
import Foundation
import HTTPCore
import HostileFiles
import Inference
import ModelStore
import ResNet
import Serving
import Testing

/// Uploads of files with several networks.
@Suite struct AdminWeightsTests {
  /// A file with the same network twice, the weights of the second doubled.
  private func file() throws -> (bytes: [UInt8], bias: [Float]) {
    let weights = try SmallModels.model("x").weights
    var tensors: [String: Tensor] = [:]
    for name in weights.names {
      let tensor = try #require(weights[name])
      tensors["student.\(name)"] = tensor
      tensors["teacher.\(name)"] = Tensor(
        shape: tensor.shape, storage: tensor.values.map { $0 * 2 })
    }
    return (SafetensorsBytes.plain(tensors), try #require(weights["conv1.weight"]).values)
  }

  @Test("One network of several is named by the request, and kept as a file of its own")
  func chosen() async throws {
    let admin = try AdminFixture()
    let start = admin.served.pool.live.model
    let (bytes, numbers) = try file()
    let refused = try await admin.ask("PUT", "/admin/model?inherit=true", body: bytes)
    #expect(refused.status == 422)
    let detail = try #require(try refused.json()["detail"] as? String)
    #expect(detail.contains("student, teacher; choose one (--weights NAME, in an upload ?weights="))
    let unlabelled = try await admin.ask("PUT", "/admin/model?weights=teacher", body: bytes)
    #expect(unlabelled.status == 422)
    let taken = try await admin.ask(
      "PUT", "/admin/model?inherit=true&weights=teacher", body: bytes)
    #expect(taken.status == 200, "\(String(decoding: taken.body, as: UTF8.self))")
    let live = admin.served.pool.live.model
    #expect(live.version != start.version && live.labels == start.labels)
    // What is kept needs no choice when it is read again.
    let path = try #require(admin.store.path(of: live.version))
    let kept = try Model.load(path: path)
    #expect(kept.weights["conv1.weight"]?.values == numbers.map { $0 * 2 })
    #expect(try admin.incoming.isEmpty)
  }

  @Test("What tensors leave open of a network is said by the request, and kept in the file")
  func variant() async throws {
    let admin = try AdminFixture()
    let weights = try SmallModels.model("x").weights
    var tensors: [String: Tensor] = [:]
    for name in weights.names { tensors[name] = weights[name] }
    let bytes = SafetensorsBytes.plain(tensors)
    let taken = try await admin.ask(
      "PUT", "/admin/model?inherit=true&arch=epsilon%3D0.001,activation%3Dleaky-relu", body: bytes)
    #expect(taken.status == 200, "\(String(decoding: taken.body, as: UTF8.self))")
    let path = try #require(admin.store.path(of: admin.served.pool.live.model.version))
    let graph = try Model.load(path: path).graph
    #expect(graph.nodes.contains { $0.operation == .elementwise(.leakyRelu(slope: 0.01)) })
    #expect(
      graph.nodes.contains {
        $0.operation == .batchNormalization(BatchNormalization(epsilon: 0.001))
      })
    let assumed = try #require(try taken.json()["assumed"] as? [String])
    #expect(assumed.contains { $0.contains("no dilation") && !$0.contains("ReLU") })
    let unknown = try await admin.ask("PUT", "/admin/model?arch=v2", body: [1])
    #expect(try unknown.problemKind() == "invalid-parameter")
    #expect(try (unknown.json()["detail"] as? String)?.contains("did you mean v1?") == true)
  }

  @Test("The name of a network has a limit", arguments: ["", String(repeating: "w", count: 257)])
  func limits(name: String) async throws {
    let admin = try AdminFixture()
    let answer = try await admin.ask("PUT", "/admin/model?weights=\(name)", body: [1])
    #expect(try answer.problemKind() == "invalid-parameter")
  }
}
