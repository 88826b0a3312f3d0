import Inference
import Testing

@Suite struct TeamTrustTests {
  /// Counts lone images until the team is asked again.
  private func passes(_ trust: inout TeamTrust) -> Int {
    var count = 0
    while !trust.prefersTeam() { count += 1 }
    return count
  }

  @Test("A team that is slower than one thread is passed by, longer each time, until it is faster")
  func backingOff() {
    var trust = TeamTrust(alone: .milliseconds(10))
    #expect(passes(&trust) == 0)
    var counts: [Int] = []
    for _ in 0..<9 {
      trust.record(onTeam: .milliseconds(11))
      counts.append(passes(&trust))
    }
    #expect(counts == [1, 2, 4, 8, 16, 32, 64, 64, 64])
    trust.record(onTeam: .milliseconds(6))
    #expect(passes(&trust) == 0)
    trust.record(onTeam: .milliseconds(11))
    #expect(passes(&trust) == 1)
  }

  @Test("What one thread takes is learnt anew")
  func learning() {
    var trust = TeamTrust(alone: .milliseconds(10))
    #expect(trust.patience == .milliseconds(20))
    for _ in 0..<20 { trust.record(alone: .milliseconds(40)) }
    trust.record(onTeam: .milliseconds(30))
    #expect(passes(&trust) == 0)
  }
}
