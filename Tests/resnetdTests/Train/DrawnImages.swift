import Checkpoint
import Foundation
import Numbers

/// Images of 32x32 pixels that a network tells apart: bars of two colours, wide or narrow, with
/// noise.
enum DrawnImages {
  private static let side = 32

  /// Returns an image of a kind, 0 to 3, as a bitmap; each `number` is another one.
  static func bitmap(kind: Int, number: Int) -> Data {
    let noise = ReproducibleNumbers("drawn \(kind) \(number)")
    let shift = Int(noise.fraction(0) * 8)
    var pixels: [UInt8] = []
    for y in 0..<side {
      for x in 0..<side {
        let place = kind.isMultiple(of: 2) ? x : y
        let isBar = (place + shift) / (kind < 2 ? 8 : 3) % 2 == 0
        let colour: [Float] = isBar ? [40, 60, 200] : [220, 180, 40]
        for (channel, level) in colour.enumerated() {
          let jitter = noise.fraction(1 + (y * side + x) * 3 + channel) * 50 - 25
          pixels.append(UInt8(min(max(level + jitter, 0), 255)))
        }
      }
    }
    return header(byteCount: pixels.count) + Data(pixels)
  }

  /// A bitmap's two headers: 24 bits a pixel, rows from the bottom up.
  private static func header(byteCount: Int) -> Data {
    func bytes(_ value: Int, _ count: Int) -> [UInt8] {
      (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
    return Data(
      [0x42, 0x4d] + bytes(54 + byteCount, 4) + bytes(0, 4) + bytes(54, 4) + bytes(40, 4)
        + bytes(side, 4) + bytes(side, 4) + bytes(1, 2) + bytes(24, 2) + bytes(0, 4)
        + bytes(byteCount, 4) + bytes(2835, 4) + bytes(2835, 4) + bytes(0, 8))
  }

  /// Adds so many images of each kind to a tree, in folders of these names.
  static func add(_ counts: [(name: String, kind: Int, count: Int)], to tree: ImageTree) throws {
    for (name, kind, count) in counts {
      for number in 0..<count {
        try tree.file("\(name)/\(number).bmp", bitmap(kind: kind, number: number))
      }
    }
  }
}

/// Options of `resnetd train` in tests.
enum TrainOptions {
  /// Returns the arguments with the smaller embedded network to begin with, unless they name another
  /// one or none.
  static func small(_ arguments: [String]) -> [String] {
    let isGiven = arguments.contains("--from") || arguments.contains("--arch")
    return arguments + (isGiven ? [] : ["--from", EmbeddedModel.cifar10.name])
  }

  /// Runs the program on a tree from the smaller embedded network, and reads its report.
  static func train(
    _ tree: ImageTree, to file: String, _ options: [String]
  ) async throws -> (outcome: ProgramUnderTest.Outcome, report: [String: Any]) {
    let outcome = try await ProgramUnderTest.run(
      ProgramUnderTest.url,
      small(
        ["train", tree.path, "-o", file, "--json", "--name", "x", "--force"] + options))
    let report =
      try? JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any]
    return (outcome, report ?? [:])
  }
}
