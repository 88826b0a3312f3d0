import Inference
import Testing

@Suite struct RankingTests {
  @Test("Probabilities are a softmax, whatever the logits' offset")
  func softmax() {
    let expected: [Float] = [0.09003057, 0.24472848, 0.6652409]
    for offset: Float in [0, 1000, -1000] {
      let probabilities = Ranking.probabilities([1 + offset, 2 + offset, 3 + offset])
      for (value, wanted) in zip(probabilities, expected) { #expect(abs(value - wanted) < 1e-6) }
    }
  }

  @Test("Entries descend, ties go by class index")
  func order() {
    let entries = Ranking.top([0.2, 0.3, 0.2, 0.3], count: 3, minimum: 0)
    #expect(entries.map(\.index) == [1, 3, 0])
  }

  @Test("No entry is below the minimum")
  func minimum() {
    #expect(Ranking.top([0.1, 0.6, 0.3], count: 3, minimum: 0.3).map(\.index) == [1, 2])
    #expect(Ranking.top([0.5, 0.5], count: 2, minimum: 0.6).isEmpty)
  }
}
