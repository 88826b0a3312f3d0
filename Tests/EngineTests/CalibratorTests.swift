import Engine
import Numbers
import ResNet
import Testing

/// Ranges of the input of a tiny network, which are those of the numbers that it is given.
@Suite struct CalibratorTests {
  private static let count = 256
  private let graph: Graph
  private let weights: Weights

  init() throws {
    var graph = Graph(input: FeatureShape(channels: 1, height: 16, width: 16))
    graph.append("conv", .convolution(Convolution(outputChannels: 1, kernel: Extent(1))), 0)
    self.graph = graph
    weights = try Weights.random(for: graph)
  }

  private func counts(_ images: [[Float]]) throws -> Calibrator.Counts {
    let calibrator = try Calibrator(graph, weights)
    for image in images { try calibrator.measure(image.span) }
    return calibrator.counts
  }

  private func range(_ images: [[Float]], percentile: Double) throws -> Float {
    try #require(try counts(images).ranges(percentile: percentile)["input"])
  }

  /// Images whose largest magnitudes differ by factors up to 2 to the power of 60.
  private static let unequal = (0..<12).map { index in
    let largest = Float(sign: .plus, exponent: (index * 7 % 12) * 5 - 30, significand: 1.3)
    return ReproducibleNumbers("calibration \(index)").values(
      count: count, from: -largest, to: largest)
  }

  @Test(
    "Ranges follow from the images alone, in whatever order and by however many they are counted")
  func order() throws {
    let expected = try counts(Self.unequal)
    let backwards = try counts(Self.unequal.reversed())
    var added = Calibrator.Counts()
    for part in [5..<12, 0..<1, 1..<5] { added.add(try counts(Array(Self.unequal[part]))) }
    for percentile in [50, 75, 90, 99, 99.99, 100] {
      let ranges = expected.ranges(percentile: percentile)
      #expect(ranges.count == 2)
      #expect(backwards.ranges(percentile: percentile) == ranges)
      #expect(added.ranges(percentile: percentile) == ranges)
    }
  }

  @Test(
    "A range is exact to one part in 4,096 of the largest magnitude",
    arguments: [50, 90, 99, 100], [Float(1e-20), 0.9, 1, 1.1, 1e30])
  func accuracy(percentile: Double, size: Float) throws {
    let images = (0..<8).map {
      ReproducibleNumbers("accuracy \($0)").values(count: Self.count, from: -size, to: size)
    }
    let magnitudes = images.joined().map(abs).sorted()
    let rank = Int((Double(magnitudes.count) * percentile / 100).rounded())
    let expected = magnitudes[rank - 1]
    let found = try range(images, percentile: percentile)
    #expect(found >= expected && found - expected <= size / 4096)
    if percentile == 100 { #expect(found == magnitudes.last) }
  }

  @Test("Zeros and what is not finite have no say, and a node of zeros gets the range 1")
  func uncounted() throws {
    var image = [Float](repeating: 0, count: Self.count)
    #expect(try range([image], percentile: 99) == 1)
    for (index, number) in [Float.infinity, -.infinity, .nan, -0].enumerated() {
      image[index] = number
    }
    #expect(try range([image], percentile: 99) == 1)
    for index in 100..<200 { image[index] = Float(index - 99) }
    let half = try range([image], percentile: 50)
    #expect(half >= 50 && half <= 50.1)
    #expect(try range([image], percentile: 100) == 100)
    image[200] = .greatestFiniteMagnitude
    #expect(try range([image], percentile: 100) == .greatestFiniteMagnitude)
  }
}
