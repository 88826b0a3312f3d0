import Checkpoint
import HostileFiles
import Testing

@Suite struct HostilePickleTests {
  @Test(
    "What is no state dict of plain tensors is refused in time, with its reason",
    arguments: HostilePickles.all)
  func refused(hostile: Hostile) {
    let start = threadProcessorTime()
    do throws(CheckpointError) {
      _ = try Model.load(
        bytes: hostile.bytes, fileName: "x", options: ModelOptions(labels: ["a", "b", "c"]))
      Issue.record("it passed")
    } catch {
      #expect("\(error)".contains(hostile.expected), "\(error)")
    }
    #expect(threadProcessorTime() - start < hostileFileTimeLimit)
  }
}
