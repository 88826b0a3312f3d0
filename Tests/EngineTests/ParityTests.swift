import Engine
import Foundation
import Numbers
import ResNet
import Testing

/// The engine compared with PyTorch, with the same made-up weights and images.
@Suite struct ParityTests {
  /// Networks to compare. Of the slow ones, one of each kind is enough if less than the CPU has is
  /// used.
  static let networks = InstructionLevel.cap == nil ? allNetworks : someNetworks
  private static let someNetworks = ["resnet18", "resnet50", "resnext50_32x4d", "resnet110-cifar"]
  private static let allNetworks =
    Architecture.knownNames.filter {
      ["resnext101_32x8d", "resnext101_64x4d", "wide_resnet101_2"].contains($0) == false
    } + ["resnet20-cifar", "resnet56-cifar", "resnet110-cifar", "resnet1202-cifar"]

  /// Tolerance, relative to the largest logit.
  static let tolerance: Float = 1e-4

  @Test(
    "Logits are PyTorch's within 1e-4 of the largest, alone and in a batch of eight",
    arguments: networks)
  func logitsMatch(name: String) throws {
    let expected = try Self.fixture(name)
    let architecture = try #require(Architecture.named(name))
    let graph = try Graph(architecture)
    var options = CompilationOptions()
    options.batchSizes = [1, 8]
    options.threads = 2
    let network = try CompiledNetwork(graph, .random(for: graph), options: options)
    let context = try ExecutionContext(network)
    let images = ReproducibleNumbers("images").values(
      count: 8 * network.inputShape.elementCount, from: -2, to: 2)
    let largest = try #require(expected.map(abs).max())

    let eight = try context.logits(of: images, count: 8)
    let first = try context.logits(
      of: Array(images.prefix(network.inputShape.elementCount)), count: 1)

    #expect(expected.count == 8 * network.outputCount)
    #expect(Self.largestDifference(eight, expected) <= Self.tolerance * largest)
    #expect(Self.largestDifference(first, expected) <= Self.tolerance * largest)
    #expect(Self.largestDifference(first, eight) <= 1e-6 * largest)
  }

  /// Largest difference of the numbers that both have; not finite if one of them is not.
  static func largestDifference(_ a: [Float], _ b: [Float]) -> Float {
    zip(a, b).reduce(0) { $1.0.isFinite ? max($0, abs($1.0 - $1.1)) : .infinity }
  }

  static func fixture(_ name: String) throws -> [Float] {
    let folder = try #require(Bundle.module.resourceURL)
    let data = try Data(contentsOf: folder.appending(path: "Fixtures/parity/\(name).logits"))
    return stride(from: 0, to: data.count, by: 4).map { offset in
      Float(bitPattern: (0..<4).reduce(0) { $0 | UInt32(data[offset + $1]) << (8 * $1) })
    }
  }
}

extension ExecutionContext {
  func logits(of images: [Float], count: Int) throws -> [Float] {
    var logits = [Float](repeating: .nan, count: count * network.outputCount)
    var span = logits.mutableSpan
    try run(imageCount: count, input: images.span, logits: &span)
    return logits
  }
}
