import Checkpoint
import HostileFiles
import Numbers
import ResNet
import Testing

/// Zip archives, and damage to both of PyTorch's forms.
@Suite struct HostileArchiveTests {
  private func failure(_ bytes: [UInt8]) -> CheckpointError? {
    let start = threadProcessorTime()
    defer { #expect(threadProcessorTime() - start < hostileFileTimeLimit) }
    do throws(CheckpointError) {
      _ = try Model.load(
        bytes: bytes, fileName: "x", options: ModelOptions(labels: ["a", "b", "c"]))
      return nil
    } catch {
      return error
    }
  }

  @Test("The archive that the others are made of is read as far as its network")
  func sound() {
    #expect(
      failure(HostileArchives.sound)
        == .unsupported(
          "no tensor conv1.weight, as residual networks have; others are read from ONNX files"))
  }

  @Test(
    "Archives that PyTorch does not write are refused with a reason", arguments: HostileArchives.all
  )
  func refused(hostile: Hostile) {
    let failure = failure(hostile.bytes)
    #expect(
      failure?.description.contains(hostile.expected) == true, "\(String(describing: failure))")
  }

  @Test("Every cut of PyTorch's files is refused", arguments: ["zip.pth", "stream.th"])
  func cuts(name: String) throws {
    let bytes = try Fixtures.bytes(name)
    for count in stride(from: 0, to: bytes.count, by: 97) {
      #expect(failure(Array(bytes.prefix(count))) != nil, "\(count) bytes")
    }
  }

  @Test(
    "Damaged files are refused, or read where the damage is in what does not matter",
    arguments: ["zip.pth", "parameters.pt", "stream.th", "training.pth.tar"])
  func mutations(name: String) throws {
    let bytes = try Fixtures.bytes(name)
    let count = 200
    // The first bytes, which hold the pickle, are changed twice as often.
    let places = ReproducibleNumbers("places of \(name)").values(count: 4 * count, from: 0, to: 1)
    let values = ReproducibleNumbers("values of \(name)").values(count: 4 * count, from: 0, to: 255)
    var refused = 0
    for index in 0..<count {
      var damaged = bytes
      for change in 0..<(1 + index % 4) {
        let reach = index.isMultiple(of: 2) ? min(4096, bytes.count) : bytes.count
        let place = min(Int(places[4 * index + change] * Float(reach)), reach - 1)
        damaged[place] = UInt8(values[4 * index + change])
      }
      if failure(damaged) != nil { refused += 1 }
    }
    #expect(refused > count / 4)
  }
}
