import Foundation
import ResNet
import Testing

@Suite struct CalibrationTests {
  private static func json(_ calibration: Calibration) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    return String(decoding: try encoder.encode(calibration), as: UTF8.self)
  }

  @Test("A calibration of all nodes is written as ever, one in part with its layers in order")
  func coding() throws {
    var calibration = Calibration(method: "test", ranges: ["input": 2])
    #expect(try Self.json(calibration) == #"{"method":"test","ranges":{"input":2}}"#)
    calibration.floatingPoint = ["fc", "b", "a", "conv1"]
    let text = try Self.json(calibration)
    #expect(
      text
        == #"{"floating_point":["a","b","conv1","fc"],"method":"test","ranges":{"input":2}}"#)
    #expect(try JSONDecoder().decode(Calibration.self, from: Data(text.utf8)) == calibration)
  }

  @Test("A calibration with too many layers in floating point cannot be used")
  func limit() {
    let names = Set((0...16_384).map { "conv\($0)" })
    let calibration = Calibration(method: "test", ranges: [:], floatingPoint: names)
    #expect(calibration.fault?.contains("16384") == true)
    #expect(Calibration(method: "test", ranges: [:], floatingPoint: ["conv1"]).fault == nil)
  }
}
