import Checkpoint
import Numbers
import Testing

/// What a sample of learned images tells of others.
@Suite struct LearnedSampleTests {
  /// Returns bytes as those of digests.
  private func digests(_ range: Range<Int>) -> [[UInt8]] {
    range.map { index in
      let numbers = ReproducibleNumbers("image \(index)")
      return (0..<32).map { UInt8(numbers.fraction($0) * 256) }
    }
  }

  @Test("A few images are all in the sample, which tells of every image")
  func whole() {
    let sample = LearnedSample(of: digests(0..<40) + digests(0..<3))
    #expect(sample.isWhole && sample.text.utf8.count == 40 * 12)
    #expect(digests(0..<40).allSatisfy { sample.tells(of: $0) == true })
    #expect(digests(40..<400).allSatisfy { sample.tells(of: $0) == false })
  }

  @Test("Of many images those with the smallest digests are taken, and only of such it tells")
  func part() {
    let learned = digests(0..<4000)
    let sample = LearnedSample(of: learned.shuffled())
    #expect(!sample.isWhole && sample.text.utf8.count == LearnedSample.countLimit * 12)
    #expect(sample == LearnedSample(of: learned))
    let told = learned.compactMap(sample.tells(of:))
    #expect(told.count == LearnedSample.countLimit && told.allSatisfy { $0 })
    let others = digests(4000..<8000).compactMap(sample.tells(of:))
    #expect(!others.contains(true) && 128...512 ~= others.count)
  }

  @Test("The text is read again, and nothing else is")
  func text() {
    let sample = LearnedSample(of: digests(0..<300))
    #expect(LearnedSample(text: sample.text) == sample)
    for text in ["", "00", "zz0000000000", "00000000000g", sample.text + "000000000000"] {
      #expect(LearnedSample(text: text) == nil, "\(text.prefix(20))")
    }
  }
}
