import Engine
import Numbers
import ResNet
import Testing
import Training

/// Classes added to a head of whose own there are no examples.
@Suite struct HeadExtenderTests {
  private static let depth = 8

  /// Rectified features around an axis of each class.
  private static func features(_ k: Int, count: Int, mark: String) -> FeatureMatrix {
    var result = FeatureMatrix(columnCount: depth)
    for number in 0..<count {
      let noise = ReproducibleNumbers("\(mark) \(k) \(number)").values(
        count: depth, from: 0, to: 0.8)
      result.append((0..<depth).map { noise[$0] + ($0 == k ? 2 : 0) })
    }
    return result
  }

  private static func samples(_ classes: [Int], count: Int, of total: Int) -> HeadSamples {
    var matrix = FeatureMatrix(columnCount: depth)
    var labels: [Int] = []
    for k in classes {
      let own = features(k, count: count, mark: "seen")
      for row in 0..<count { matrix.append(own.row(row)) }
      labels += [Int](repeating: k, count: count)
    }
    return HeadSamples(matrix, labels: labels, classCount: total)
  }

  /// A head for the first four classes, learned from examples that the extender never sees.
  private static func former() throws -> LinearHead {
    try #require(try HeadFitter().fit(samples([0, 1, 2, 3], count: 40, of: 4))).head
  }

  private static func accuracy(_ head: LinearHead, _ k: Int) throws -> Double {
    let count = 50
    let logits = try head.logits(features(k, count: count, mark: "unseen"))
    let rightCount = (0..<count).count { row in
      let own = logits[row * head.classCount..<(row + 1) * head.classCount]
      return own.firstIndex(of: own.max() ?? 0) == own.startIndex + k
    }
    return Double(rightCount) / Double(count)
  }

  @Test("New classes are answered, the old ones still are, and their rows have the same bits")
  func extension_() throws {
    let former = try Self.former()
    let samples = Self.samples([4, 5, 6], count: 10, of: 7)
    let found = try #require(try HeadExtender().extend(former, by: samples))
    #expect(found.head.classCount == 7)
    #expect(Array(found.head.weights.prefix(former.weights.count)) == former.weights)
    #expect(Array(found.head.bias.prefix(4)) == former.bias)
    for k in 0..<7 {
      let accuracy = try Self.accuracy(found.head, k)
      #expect(accuracy >= 0.9, "class \(k): \(accuracy)")
    }
    #expect(try #require(found.accuracy) >= 0.9)
    #expect(found.judgedCount == 30 && found.prototypeCount == 80)
  }

  @Test("Examples of a class that is known change its row and no other")
  func known() throws {
    let former = try Self.former()
    let samples = Self.samples([2, 4], count: 5, of: 5)
    let head = try #require(try HeadExtender().extend(former, by: samples)).head
    for k in 0..<4 {
      let (old, new) = (
        former.weights[k * Self.depth..<(k + 1) * Self.depth],
        head.weights[k * Self.depth..<(k + 1) * Self.depth]
      )
      #expect((Array(old) == Array(new)) == (k != 2))
    }
  }

  @Test("The same examples give the same bits, and a stop gives nothing")
  func repetition() throws {
    let former = try Self.former()
    let samples = Self.samples([4], count: 4, of: 5)
    let first = try #require(try HeadExtender().extend(former, by: samples)).head
    let second = try #require(try HeadExtender().extend(former, by: samples)).head
    #expect(first.weights == second.weights && first.bias == second.bias)
    #expect(try HeadExtender().extend(former, by: samples, while: { false }) == nil)
  }
}
