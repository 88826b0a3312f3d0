import Checkpoint
import HostileFiles
import Testing

/// Files of every format that lie; a server is sent the same ones.
@Suite struct HostileCorpusTests {
  private static let options = ModelOptions(labels: (0..<10).map { "class \($0)" })

  @Test(
    "The files that the others are made from are sound",
    arguments: [
      SoundFiles.native, SoundFiles.plain, SoundFiles.archive, SoundFiles.stream, SoundFiles.onnx,
    ])
  func sound(bytes: [UInt8]) throws {
    let model = try Model.load(bytes: bytes, fileName: "x", options: Self.options)
    #expect(model.labels.count == 10)
  }

  @Test(
    "What is wrong with a file is found in time, and told",
    arguments: HostileSafetensors.all + HostileONNX.all + HostileONNXNodes.all
      + HostileONNXShapes.all + HostileWire.all)
  func refused(hostile: Hostile) {
    let start = threadProcessorTime()
    do throws(CheckpointError) {
      _ = try Model.load(bytes: hostile.bytes, fileName: "x")
      Issue.record("it passed")
    } catch {
      #expect("\(error)".contains(hostile.expected), "\(error)")
    }
    #expect(threadProcessorTime() - start < hostileFileTimeLimit)
  }
}
