import Dispatch
import Glibc
import Inference
import Serving
import Synchronization
import Testing

@Suite struct AdmissionQueueTests {
  private func queue(
    count: Int = 9, workers: Int = 1, delay: Duration = .zero, asideLimit: Int = 4
  ) -> AdmissionQueue<Int> {
    var limits = WaitingLine<Int>.Limits(count: count, bytes: count)
    limits.workers = workers
    limits.delay = delay
    return AdmissionQueue(limits, asideLimit: asideLimit)
  }

  @Test("A closed queue takes nothing, hands out the rest and then ends every worker")
  func closing() {
    let queue = queue(workers: 2, delay: .seconds(3600))
    #expect(queue.offer(1, byteCount: 1) == [])
    queue.close()
    queue.close()
    #expect(queue.offer(2, byteCount: 1) == nil)
    #expect(queue.take() == [1])
    #expect(queue.take() == nil)
    #expect(queue.take(worker: 1) == nil)
  }

  @Test("What is set aside has its next turn when it is put back, and a closed queue waits for it")
  func settingAside() {
    let queue = queue(asideLimit: 1)
    #expect(queue.offer(1, byteCount: 1) == [] && queue.offer(2, byteCount: 1) == [])
    #expect(queue.take() == [1])
    #expect(queue.beginAside() && !queue.beginAside())
    queue.postpone(3, of: .init(), byteCount: 1, priority: .normal)
    #expect(queue.take() == [2])
    #expect(!queue.beginTeam(worker: 0))
    queue.close()
    let ended = DispatchSemaphore(value: 0)
    let taken = Mutex<[Int]>([])
    let thread = WorkerThread {
      while let items = queue.take() { taken.withLock { $0 += items } }
      ended.signal()
    }
    #expect(thread != nil)
    // The thread sleeps until then: nothing else would wake it.
    queue.endAside(1, of: .init(), byteCount: 1, priority: .normal)
    ended.wait()
    // The place was free again.
    #expect(Set(taken.withLock(\.self)) == [1, 3])
    thread?.join()
  }

  @Test(
    "Without memory there are no more places than those in use, until one of them is given back")
  func placesWithoutMemory() {
    let queue = queue(asideLimit: 3)
    #expect(queue.beginAside())
    #expect(!queue.cannotSetAside())
    #expect(queue.beginAside() && queue.beginAside())
    #expect(queue.cannotSetAside())
    #expect(queue.asideCount == 1 && !queue.beginAside())
    queue.postpone(1, of: .init(), byteCount: 1, priority: .normal)
    queue.endAside()
    #expect(queue.take() == [1])
    #expect(queue.beginAside() && queue.beginAside() && queue.beginAside())
    #expect(!queue.isQuiet)
  }

  @Test("A place that cannot be used wakes who waits for it, also where the queue is closed")
  func placesNotUsed() {
    for closes in [false, true] {
      let queue = queue(workers: 2, asideLimit: 1)
      #expect(queue.beginAside())
      queue.postpone(1, of: .init(), byteCount: 1, priority: .normal)
      if closes { queue.close() }
      let taken = Mutex<[Int]>([])
      let thread = WorkerThread {
        if let items = queue.take(worker: 1) { taken.withLock { $0 += items } }
      }
      #expect(!queue.cannotSetAside())
      thread?.join()
      #expect(taken.withLock(\.self) == [1])
      queue.close()
      #expect(queue.take(worker: 1) == nil)
    }
  }

  @Test("Every item reaches exactly one of the workers that wait", arguments: [1, 8])
  func concurrency(batch: Int) {
    let queue = queue(count: 10_000, workers: 2)
    let group = WorkGroup(batch: batch)
    let takenCount = Atomic(0)
    DispatchQueue.concurrentPerform(iterations: 4) { thread in
      if thread < 2 {
        for item in 0..<1000 {
          _ = queue.offer(thread * 1000 + item, of: group, byteCount: 1)
        }
        return
      }
      var previous = [-1, -1]
      while let items = queue.take(worker: thread - 2) {
        #expect(1...batch ~= items.count)
        for item in items {
          #expect(previous[item / 1000] < item % 1000)
          previous[item / 1000] = item % 1000
        }
        let count = takenCount.add(items.count, ordering: .relaxed).newValue
        if count == 2000 { queue.close() }
      }
    }
    #expect(takenCount.load(ordering: .relaxed) == 2000)
  }

  @Test("A delay ends by itself")
  func delay() {
    let queue = queue(delay: .milliseconds(1))
    let start = ContinuousClock.now
    #expect(queue.offer(1, of: .init(batch: 4), byteCount: 1) == [])
    #expect(queue.take() == [1])
    #expect(.now - start >= .milliseconds(1))
  }

  @Test("A team has the cores to itself: not beside a busy worker nor while something waits")
  func team() {
    let queue = queue(workers: 2)
    // Worker 1 has not asked for anything yet, so it is busy.
    #expect(!queue.beginTeam(worker: 0))
    let idle = DispatchSemaphore(value: 0)
    let ended = DispatchSemaphore(value: 0)
    let thread = WorkerThread {
      idle.signal()
      #expect(queue.take(worker: 1) == [2])
      #expect(queue.take(worker: 1) == nil)
      ended.signal()
    }
    #expect(thread != nil)
    idle.wait()
    while !queue.beginTeam(worker: 0) { sched_yield() }
    #expect(!queue.beginTeam(worker: 0))
    #expect(queue.offer(2, byteCount: 1) == [])
    #expect(queue.count == 1)
    queue.endTeam()
    while queue.count > 0 { sched_yield() }
    queue.allowTeams(false)
    #expect(!queue.beginTeam(worker: 0))
    queue.allowTeams(true)
    while !queue.beginTeam(worker: 0) { sched_yield() }
    queue.close()
    queue.endTeam()
    ended.wait()
    thread?.join()
  }

  @Test("The time to come back grows with the queue and stays in its bounds")
  func retryAfter() {
    let rate = ServiceRate()
    #expect(rate.retryAfterSeconds(queued: 100, workers: 2) == 1)
    rate.record(count: 4, in: .seconds(2))
    #expect(rate.retryAfterSeconds(queued: 100, workers: 2) == 25)
    #expect(
      rate.retryAfterSeconds(queued: 1_000_000, workers: 1) == ServiceRate.retryAfterLimitSeconds)
    for _ in 0..<50 { rate.record(count: 8, in: .seconds(1)) }
    #expect(rate.retryAfterSeconds(queued: 100, workers: 2) == 7)
  }
}
