import Checkpoint
import Inference
import Testing

@Suite struct RankingTests {
  private func ranking(
    _ numbers: [Float], count: Int, minimum: Float? = nil, threshold: Float? = nil
  ) -> Ranking {
    var rule = OutputRule()
    rule.threshold = threshold
    return Ranking(numbers, by: rule, count: count, minimum: minimum)
  }

  @Test("Probabilities are a softmax, whatever the logits' offset")
  func softmax() {
    let expected: [Float] = [0.09003057, 0.24472848, 0.6652409]
    for offset: Float in [0, 1000, -1000] {
      let numbers = OutputRule().numbers([1 + offset, 2 + offset, 3 + offset], labelCount: 3)
      for (value, wanted) in zip(numbers, expected) { #expect(abs(value - wanted) < 1e-6) }
    }
  }

  @Test("A temperature divides the logits")
  func temperature() {
    var rule = OutputRule()
    rule.temperature = 2
    #expect(
      rule.numbers([2, 4, 6], labelCount: 3) == OutputRule().numbers([1, 2, 3], labelCount: 3))
  }

  @Test("Independent labels have probabilities of their own, one output gives those of two labels")
  func sigmoid() {
    let rule = OutputRule(activation: .sigmoid)
    // 1 / (1 + e^-x), by Python.
    for (number, wanted) in zip(
      rule.numbers([-1000, -1, 0, 2.5, 1000], labelCount: 5),
      [0, 0.268941421, 0.5, 0.924141820, 1] as [Float])
    {
      #expect(abs(number - wanted) < 1e-6)
    }
    let pair = rule.numbers([2.5], labelCount: 2)
    #expect(abs(pair[0] - 0.075858180) < 1e-6 && abs(pair[1] - 0.924141820) < 1e-6)
    #expect(rule.numbers([2.5], labelCount: 1) == [pair[1]])
  }

  @Test("Scores are answered as they are")
  func scores() {
    #expect(OutputRule(activation: .none).numbers([-3, 7.5], labelCount: 2) == [-3, 7.5])
    #expect(ranking([-3, 7.5], count: 2).entries.map(\.value) == [7.5, -3])
  }

  @Test("Entries descend, ties go by class index")
  func order() {
    #expect(ranking([0.2, 0.3, 0.2, 0.3], count: 3).entries.map(\.index) == [1, 3, 0])
  }

  @Test("No entry is below the minimum")
  func minimum() {
    #expect(ranking([0.1, 0.6, 0.3], count: 3, minimum: 0.3).entries.map(\.index) == [1, 2])
    #expect(ranking([0.5, 0.5], count: 2, minimum: 0.6).entries.isEmpty)
  }

  @Test("Below the threshold the best class is unsure, whatever is left out of the answer")
  func threshold() {
    #expect(ranking([0.6, 0.4], count: 1).isUnsure == nil)
    #expect(ranking([0.6, 0.4], count: 1, threshold: 0.6).isUnsure == false)
    #expect(ranking([0.6, 0.4], count: 1, threshold: 0.7).isUnsure == true)
    #expect(ranking([0.6, 0.4], count: 1, minimum: 0.9, threshold: 0.5).isUnsure == false)
  }
}
