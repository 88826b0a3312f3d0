import Dispatch
import Serving
import Testing

@Suite struct AdmissionQueueTests {
  @Test("Items come out in the order of their arrival")
  func order() {
    let queue = AdmissionQueue<Int>(countLimit: 3, byteLimit: 100)
    for item in 1...3 { #expect(queue.offer(item, byteCount: 1)) }
    #expect((1...3).map { _ in queue.take() } == [1, 2, 3])
  }

  @Test("Neither count nor bytes go over their limits, and room comes back")
  func limits() {
    let queue = AdmissionQueue<Int>(countLimit: 2, byteLimit: 10)
    #expect(queue.offer(1, byteCount: 6))
    #expect(!queue.offer(2, byteCount: 5))
    #expect(queue.offer(2, byteCount: 4))
    #expect(!queue.offer(3, byteCount: 0))
    #expect(queue.take() == 1)
    #expect(queue.offer(3, byteCount: 6))
    #expect(queue.count == 2)
  }

  @Test("A closed queue takes nothing, hands out the rest and then ends every worker")
  func closing() {
    let queue = AdmissionQueue<Int>(countLimit: 9, byteLimit: 9)
    #expect(queue.offer(1, byteCount: 1))
    queue.close()
    queue.close()
    #expect(!queue.offer(2, byteCount: 1))
    #expect(queue.take() == 1)
    #expect(queue.take() == nil)
    #expect(queue.take() == nil)
  }

  @Test("Every item reaches exactly one of the workers that wait")
  func concurrency() {
    let queue = AdmissionQueue<Int>(countLimit: 10_000, byteLimit: 10_000)
    DispatchQueue.concurrentPerform(iterations: 4) { worker in
      if worker < 2 {
        for item in 0..<1000 { _ = queue.offer(worker * 1000 + item, byteCount: 1) }
      } else {
        var previous = [-1, -1]
        for _ in 0..<1000 {
          guard let item = queue.take() else {
            Issue.record("the queue is open")
            return
          }
          #expect(previous[item / 1000] < item % 1000)
          previous[item / 1000] = item % 1000
        }
      }
    }
    #expect(queue.count == 0)
  }

  @Test("The time to come back grows with the queue and stays in its bounds")
  func retryAfter() {
    let rate = ServiceRate()
    #expect(rate.retryAfterSeconds(queued: 100, workers: 2) == 1)
    rate.record(.milliseconds(500))
    #expect(rate.retryAfterSeconds(queued: 100, workers: 2) == 25)
    #expect(
      rate.retryAfterSeconds(queued: 1_000_000, workers: 1) == ServiceRate.retryAfterLimitSeconds)
  }
}
