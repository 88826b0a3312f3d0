import Checkpoint
import Foundation
import HTTPCore
import HostileFiles
import Imaging
import Inference
import ModelStore
import ResNet
import Serving
import Testing

/// Uploads of ONNX files that leave the size of images open, with `?inherit=true` and without.
@Suite struct AdminInheritanceTests {
  /// A file with ten classes for images of any size: the linear layer reads averages over all
  /// pixels.
  private static var ofAnySize: ModelFile {
    var file = ModelFile.classifier
    file.metadata = []
    file.inputs[0].shape = [nil, 3, nil, nil]
    return file
  }

  /// Returns the same for images of `side` x `side` pixels alone: each pixel has its own weights
  /// for every class.
  private static func bound(to side: Int) -> ModelFile {
    var file = ofAnySize
    let count = 4 * side * side
    file.tensors[5] = .init(name: "fc", type: 1, shape: [10, Int64(count)]) { tensor in
      let values = (0..<10 * count).map { Float($0 * 7 % 11) / 1000 }
      tensor.data(9, values.flatMap { PickleBytes.little($0.bitPattern).bytes })
    }
    file.nodes.remove(at: 3)
    file.nodes[3].inputs = ["r"]
    return file
  }

  private func detail(
    _ admin: AdminFixture, _ query: String, _ file: ModelFile
  ) async throws -> String {
    let answer = try await admin.ask("PUT", "/admin/model\(query)", body: file.bytes)
    #expect(answer.status == 422)
    #expect(try answer.problemKind() == "model-refused")
    #expect(try answer.json()["step"] as? String == "validate")
    return try #require(try answer.json()["detail"] as? String)
  }

  @Test("The live model's contract gives the size", arguments: [false, true])
  func taken(_ isBound: Bool) async throws {
    let admin = try AdminFixture()
    let start = admin.served.pool.live.model
    let file = isBound ? Self.bound(to: 32) : Self.ofAnySize
    let dry = try await admin.ask(
      "PUT", "/admin/model?inherit=true&dry_run=true", body: file.bytes)
    #expect(dry.status == 200, "\(String(decoding: dry.body, as: UTF8.self))")
    #expect(admin.served.pool.live.model.version == start.version)
    #expect(admin.store.versions().isEmpty)
    let taken = try await admin.ask("PUT", "/admin/model?inherit=true", body: file.bytes)
    #expect(taken.status == 200)
    let live = admin.served.pool.live.model
    #expect(live.version != start.version && live.labels == start.labels)
    #expect(live.preprocessing == start.preprocessing)
    #expect(live.graph.inputShape == start.graph.inputShape)
    let kept = try Model.load(path: #require(admin.store.path(of: live.version)))
    #expect(kept.graph == live.graph && kept.preprocessing == start.preprocessing)
    #expect(try admin.incoming.isEmpty)
  }

  @Test("Without the request for it the size is missing, and the answer says so")
  func notAsked() async throws {
    let admin = try AdminFixture()
    for query in ["", "?dry_run=true", "?inherit=false"] {
      let detail = try await detail(admin, query, Self.ofAnySize)
      #expect(detail.contains("which leaves the images' size open"), "\(detail)")
    }
  }

  @Test("A network of other classes than the live model's takes nothing from it")
  func otherClasses() async throws {
    let admin = try AdminFixture()
    var file = Self.ofAnySize
    file.tensors[5] = .init(name: "fc", type: 1, shape: [3, 4]) {
      $0.data(9, [UInt8](repeating: 0x3d, count: 3 * 4 * 4))
    }
    file.tensors[6] = .init(name: "bias", type: 1, shape: [3]) {
      $0.data(9, [UInt8](repeating: 0x3d, count: 3 * 4))
    }
    file.outputs[0].shape = [nil, 3]
    for query in ["?inherit=true", "?inherit=true&dry_run=true"] {
      let detail = try await detail(admin, query, file)
      #expect(detail.contains("the 10 labels of the live model do not fit its 3 classes"))
      #expect(detail.contains("write 3 labels into it") && !detail.contains("inherit"), "\(detail)")
    }
    #expect(try admin.incoming.isEmpty)
  }

  @Test("A size that the graph cannot take is named with what the graph has")
  func unfitSize() async throws {
    let admin = try AdminFixture()
    for query in ["?inherit=true", "?inherit=true&dry_run=true"] {
      let detail = try await detail(admin, query, Self.bound(to: 16))
      #expect(detail.contains("weights for 1024 numbers, the input has 4096"), "\(detail)")
      #expect(detail.contains("with images of 32x32 pixels"), "\(detail)")
    }
    #expect(admin.store.versions().isEmpty)
    #expect(try admin.incoming.isEmpty)
  }
}
