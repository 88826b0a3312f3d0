import Foundation
import ONNX
import Testing
import resnetd

/// `resnetd classify --features`.
@Suite struct ClassifyFeaturesTests {
  private func features(_ path: String) throws -> (shape: [Int], numbers: [Double]) {
    let array = try NPYFile.read([UInt8](Data(contentsOf: URL(fileURLWithPath: path))))
    guard case .floating(let numbers) = array.numbers else { return (array.shape, []) }
    return (array.shape, numbers)
  }

  @Test("A row for each image in order, NaN for one that failed, those of the server's answer")
  func rows() async throws {
    let tree = try ImageTree()
    for index in 0..<20 { try tree.image("\(index + 10).jpg") }
    try tree.file("15.jpg")
    let path = "\(tree.path)/features.npy"
    let outcome = try await ProgramUnderTest.run(
      "classify", "-j3", "--jsonl", "--precision", "fp32", "--features", path, tree.path)
    #expect(outcome.exitCode == 1 && outcome.errors.contains("1 of 20 rows are NaN"))
    #expect(try ImageTree.lines(outcome.output).count == 20)
    let (shape, numbers) = try features(path)
    #expect(shape == [20, 64])
    try #require(numbers.count == 20 * 64)
    let first = Array(numbers[..<64])
    #expect(first.allSatisfy(\.isFinite) && first.contains { $0 > 0 })
    for row in 0..<20 {
      let numbers = numbers[row * 64..<(row + 1) * 64]
      #expect(row == 5 ? numbers.allSatisfy(\.isNaN) : Array(numbers) == first)
    }

    // Another run replaces nothing that it was not asked to.
    let again = try await ProgramUnderTest.run(
      "classify", "--features", path, ProgramUnderTest.sampleImage)
    #expect(again.exitCode == 1 && again.errors.contains("exists; --force replaces it"))
    let forced = try await ProgramUnderTest.run(
      "classify", "--precision", "fp32", "--force", "--features", path,
      ProgramUnderTest.sampleImage)
    #expect(forced.exitCode == 0, "\(forced.errors)")
    #expect(try features(path).shape == [1, 64] && features(path).numbers == first)
  }

  @Test("Nothing is written where no image is found, nor in place of a part")
  func nothing() async throws {
    let tree = try ImageTree()
    let path = "\(tree.path)/features.npy"
    let none = try await ProgramUnderTest.run("classify", "--features", path, tree.path)
    #expect(none.exitCode == 1)
    let names = try FileManager.default.contentsOfDirectory(atPath: tree.path)
    #expect(names.isEmpty, "\(names)")
    let both = try await ProgramUnderTest.run(
      "classify", "--features", path, "--resume", "-o", "\(tree.path)/x.csv", "x.jpg")
    #expect(both.exitCode == 2 && both.errors.contains("give one of them"))
  }
}
