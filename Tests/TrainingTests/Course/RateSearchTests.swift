import Glibc
import Testing
import Training

@Suite struct RateSearchTests {
  /// Returns the search over losses that a rate's logarithm decides.
  private func search(_ loss: (Double) -> Double) -> RateSearch {
    var search = RateSearch()
    let schedule = Schedule.exponential(
      first: RateSearch.rates.lowerBound, last: RateSearch.rates.upperBound,
      stepCount: RateSearch.stepCount)
    for step in 0..<RateSearch.stepCount {
      let rate = schedule.rate(at: step)
      guard search.record(rate: rate, loss: loss(log10(rate))) else { break }
    }
    search.finish()
    return search
  }

  @Test("A tenth of the rate with the least loss is suggested, which falls fastest before")
  func suggestion() throws {
    // Falls from 2 around 10^-3, is least at 10^-1, and explodes then.
    let found = search { 2 - 1.5 / (1 + exp(-6 * ($0 + 3))) + exp(8 * ($0 + 0.2)) }
    #expect(found.hasExploded && found.isClear)
    #expect(found.trials.count < RateSearch.stepCount)
    let least = try #require(found.least?.rate)
    let suggestion = try #require(found.suggestion)
    #expect(abs(log10(suggestion) - log10(least) + 1) < 1e-9)
    #expect(abs(log10(least) + 1) < 0.5, "\(least)")
    let steepest = try #require(found.steepest?.rate)
    #expect(abs(log10(steepest) + 3) < 0.1, "\(steepest)")
  }

  @Test("A loss that falls nowhere, or never rises, is not clear; one that is not finite ends it")
  func unclear() {
    let flat = search { $0 < -1 ? 1 : 1 + exp(8 * ($0 + 1)) }
    #expect(flat.hasExploded && !flat.isClear)
    let falling = search { 2 - ($0 + 7) / 8 }
    #expect(!falling.hasExploded && !falling.isClear && falling.trials.count == 100)
    let ended = search { $0 < -2 ? 3 - ($0 + 7) / 3 : .nan }
    #expect(ended.hasExploded && ended.isClear && ended.trials.allSatisfy { $0.loss.isFinite })
    #expect(RateSearch().suggestion == nil && !RateSearch().isClear)
  }
}
