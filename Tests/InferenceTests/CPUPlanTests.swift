import Inference
import ResNet
import Testing

@Suite struct CPUPlanTests {
  @Test("A plan is one line for people")
  func description() {
    let lone = CPUPlan(workers: 1, threads: 1, maxBatch: 1)
    #expect("\(lone)" == "1 worker of 1 thread, one image at a time")
    let full = CPUPlan(
      workers: 2, threads: 2, maxBatch: 4, maxQueueDelay: .microseconds(2500))
    #expect(
      "\(full)" == "2 workers of 1 thread, batches up to 4, waiting 2.5 ms for them, "
        + "a lone image on 2 threads")
  }

  @Test(
    "Batch sizes double up to the largest",
    arguments: [(1, [1]), (2, [1, 2]), (6, [1, 2, 4, 6]), (8, [1, 2, 4, 8])])
  func batchSizes(largest: Int, sizes: [Int]) {
    #expect(CPUPlan.batchSizes(upTo: largest) == sizes)
  }

  @Test("Where only the rate counts all networks take batches, large images smaller ones")
  func manyImages() throws {
    let network = try #require(Architecture.named("resnet18"))
    for (size, batch) in [(224, 8), (320, 4), (1024, 1)] {
      var resized = network
      resized.inputSize = size
      let graph = try Graph(resized)
      let plan = CPUPlan.manyImages(workers: 3, for: graph, isAlone: false)
      #expect(plan == CPUPlan(workers: 3, threads: 1, maxBatch: batch))
      #expect(CPUPlan.manyImages(workers: 1, for: graph, isAlone: true).batchSizes == [1])
    }
  }

  @Test("Small networks take batches, large ones a team; what is set by hand stays")
  func rule() throws {
    let small = try Graph(#require(Architecture.cifar(depth: 20)))
    let large = try Graph(#require(Architecture.named("resnet18")))
    var settings = CPUPlan.Settings()
    #expect(
      settings.plan(cores: 4, for: small) == CPUPlan(workers: 4, threads: 1, maxBatch: 8))
    #expect(
      settings.plan(cores: 4, for: large) == CPUPlan(workers: 4, threads: 4, maxBatch: 1))
    settings.workers = 3
    settings.threads = 2
    settings.maxBatch = 5
    settings.maxQueueDelay = .milliseconds(1)
    let plan = settings.plan(cores: 4, for: large)
    #expect(plan.batchSizes == [1, 2, 4, 5])
    #expect(plan.workers == 3 && plan.threads == 2 && plan.maxQueueDelay == .milliseconds(1))
  }
}
