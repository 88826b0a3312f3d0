import Checkpoint
import Foundation
import ResNet
import Testing

/// State that is kept as a safetensors file.
@Suite struct TensorArchiveTests {
  @Test("What was written is read, and what is no archive is refused")
  func roundTrip() throws {
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("archive-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    var tensors = Weights()
    tensors["a/x"] = Tensor(shape: [2, 3], storage: [1, -2, 3, .infinity, 0.1, -0] as [Float])
    tensors["b"] = Tensor(shape: [0], storage: [] as [Float])
    try TensorArchive(tensors: tensors, metadata: ["key": "{\"a\": 1}"]).write(to: path)
    let read = try TensorArchive(path: path)
    #expect(read.metadata["key"] == "{\"a\": 1}")
    #expect(Set(read.tensors.names) == ["a/x", "b"])
    #expect(read.tensors["a/x"]?.shape == [2, 3])
    let bits = read.tensors["a/x"]?.values.map(\.bitPattern)
    #expect(bits == tensors["a/x"]?.values.map(\.bitPattern))
    try Data(try Data(contentsOf: URL(fileURLWithPath: path)).dropLast(3))
      .write(to: URL(fileURLWithPath: path))
    #expect(throws: CheckpointError.self) { try TensorArchive(path: path) }
  }
}
