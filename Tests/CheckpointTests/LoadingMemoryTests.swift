import Checkpoint
import HostileFiles
import ResNet
import Synchronization
import Testing

/// What reading a model asks of `LoadingMemory`.
@Suite struct LoadingMemoryTests {
  private final class Asked: Sendable {
    let lasting = Mutex<[Int]>([])
    let passing = Mutex<[Int]>([])
  }

  private func load(
    _ bytes: [UInt8], _ variant: NetworkVariant = NetworkVariant(), grants: Bool
  ) throws -> (lasting: Int, passing: Int) {
    let asked = Asked()
    var options = ModelOptions(name: "x")
    options.numbersClasses = true
    options.variant = variant
    options.memory = LoadingMemory { count in
      asked.passing.withLock { $0.append(count) }
      return true
    } grants: { count in
      asked.lasting.withLock { $0.append(count) }
      return grants
    }
    _ = try Model.load(bytes: bytes, fileName: "x", options: options)
    return (asked.lasting.withLock { $0.reduce(0, +) }, asked.passing.withLock { $0.reduce(0, +) })
  }

  @Test("Numbers in another type are converted only where that is granted")
  func conversion() throws {
    // PyTorch's file in half precision (Fixtures/make.py).
    let half = try Fixtures.bytes("half.pt")
    let asked = try load(half, grants: true)
    let weights = try Model.load(
      bytes: half, fileName: "x", options: ModelOptions(labels: ["a", "b", "c"])
    ).weights
    let count = weights.names.reduce(0) { $0 + (weights[$1]?.elementCount ?? 0) }
    #expect(asked.lasting == 4 * count)
    #expect(throws: CheckpointError.outOfMemory(byteCount: 4 * count)) {
      try load(half, grants: false)
    }
  }

  @Test("Single precision is used in place, and what is computed of it is not")
  func inPlace() throws {
    let tensors = try SmallNetworks.tensors(of: SmallNetworks.basic)
    let plain = SafetensorsBytes.plain(tensors)
    // Written so that numbers are aligned.
    var native: [UInt8] = []
    try Model.load(
      bytes: plain, fileName: "x", options: ModelOptions(labels: ["a", "b", "c"])
    ).write { bytes throws(CheckpointError) in
      native += unsafe bytes.withUnsafeBytes { unsafe [UInt8]($0) }
    }
    let asked = try load(native, grants: false)
    #expect(asked.lasting == 0)
    // The parsed header.
    #expect(asked.passing > 0)
    let standardized = try NetworkVariant("weight-standardization=yes")
    #expect(throws: CheckpointError.self) { try load(plain, standardized, grants: false) }
    #expect(
      try load(plain, standardized, grants: true).lasting > load(plain, grants: true).lasting)
  }
}
