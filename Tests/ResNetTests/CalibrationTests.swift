import Foundation
import ResNet
import Testing

@Suite struct CalibrationTests {
  private static func json(_ calibration: Calibration) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    return String(decoding: try encoder.encode(calibration), as: UTF8.self)
  }

  @Test("A calibration of all nodes is written without layers, a partial one with them in order")
  func coding() throws {
    var calibration = Calibration(method: "test", ranges: ["input": 2])
    #expect(try Self.json(calibration) == #"{"method":"test","ranges":{"input":2}}"#)
    calibration.floatingPoint = ["fc", "b", "a", "conv1"]
    let json = try Self.json(calibration)
    #expect(
      json
        == #"{"floating_point":["a","b","conv1","fc"],"method":"test","ranges":{"input":2}}"#)
    calibration.inputZeroPoint = -3
    #expect(try Self.json(calibration).contains(#""input_zero_point":-3"#))
    calibration.inputZeroPoint = nil
    #expect(try JSONDecoder().decode(Calibration.self, from: Data(json.utf8)) == calibration)
  }

  @Test(
    "An input's zero point is an integer with others on both sides", arguments: [-128, 127, .max])
  func zeroPoints(zero: Int) {
    var calibration = Calibration(method: "test", ranges: [:], inputZeroPoint: zero)
    #expect(calibration.fault?.contains("zero is") == true)
    calibration.inputZeroPoint = 126
    #expect(calibration.fault == nil)
  }

  @Test("A calibration with too many layers in floating point cannot be used")
  func limit() {
    let names = Set((0...16_384).map { "conv\($0)" })
    let calibration = Calibration(method: "test", ranges: [:], floatingPoint: names)
    #expect(calibration.fault?.contains("16384") == true)
    #expect(Calibration(method: "test", ranges: [:], floatingPoint: ["conv1"]).fault == nil)
  }
}
