import Engine
import Foundation
import ResNet
import Testing

@Suite struct MemoryReturnTests {
  /// Bytes of this process in memory.
  private static func resident() throws -> Int {
    let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
    let match = try #require(status.firstMatch(of: /VmRSS:\s+(\d+) kB/))
    return try #require(Int(match.output.1)) * 1024
  }

  /// Network of layers that no other has, so that each needs a program of its own.
  private static func odd(_ number: Int) -> Graph {
    var graph = Graph(input: FeatureShape(channels: 3, height: 11 + number, width: 13 + number))
    for layer in 0..<24 {
      var convolution = Convolution(outputChannels: 17 + layer, kernel: Extent(3))
      convolution.padding = Padding(1)
      graph.append("conv\(layer)", .convolution(convolution), graph.output)
    }
    graph.append("pool", .globalAveragePool, graph.output)
    return graph
  }

  private static func compile(_ number: Int) throws {
    let graph = odd(number)
    var options = CompilationOptions()
    options.batchSizes = [1, 2]
    _ = try CompiledNetwork(graph, .random(for: graph), options: options)
  }

  #if DEBUG
    private static let isPlain = false
  #else
    /// Whether freed memory is returned: sanitizers keep it.
    private static let isPlain =
      ProcessInfo.processInfo.environment.keys.allSatisfy { !$0.hasSuffix("SAN_OPTIONS") }
  #endif

  @Test(
    "Odd networks give back all their memory when they are released, their programs too",
    .enabled(if: isPlain))
  func odd() async {
    // In a process of its own: memory of other tests would be counted otherwise.
    await #expect(processExitsWith: .success) {
      try MemoryReturnTests.compile(0)
      OneDNN.returnFreedMemory()
      let before = try MemoryReturnTests.resident()
      for number in 1...12 { try MemoryReturnTests.compile(number) }
      OneDNN.returnFreedMemory()
      let taken = try MemoryReturnTests.resident() - before
      // If they were kept, the programs of two of the networks would take more.
      try #require(taken < 8 << 20, "\(taken) bytes")
    }
  }
}
