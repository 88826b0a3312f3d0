import Foundation
import Testing

/// `resnetd classify --explain`: where the network found the best class.
@Suite struct ExplainTests {
  @Test("The network's input with the map over it is a PNG, and JSON has the map of each class")
  func picture() async throws {
    let tree = try ImageTree()
    let path = "\(tree.path)/out.png"
    let outcome = try await ProgramUnderTest.run(
      "classify", "--json", "--top-k", "3", "--explain", path, ProgramUnderTest.sampleImage)
    #expect(outcome.exitCode == 0, "\(outcome.errors)")
    let answer = try #require(
      JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
    let predictions = try #require(answer["predictions"] as? [[String: Any]])
    #expect(predictions.count == 3)
    for prediction in predictions {
      #expect(
        try #require(prediction["cam"] as? [[Double]]).map(\.count) == .init(repeating: 8, count: 8)
      )
    }
    // The file's header: 32x32 pixels, enlarged eight times.
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    #expect(bytes.prefix(8) == [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])
    #expect(bytes[16..<24] == [0, 0, 1, 0, 0, 0, 1, 0])
    let again = try await ProgramUnderTest.run("classify", path)
    #expect(again.exitCode == 0, "\(again.errors)")

    let kept = try await ProgramUnderTest.run(
      "classify", "--explain", path, ProgramUnderTest.sampleImage)
    #expect(kept.exitCode == 1 && kept.errors.contains("exists; --force replaces it"))
  }

  @Test("Several images and names of other formats are refused")
  func refusals() async throws {
    let tree = try ImageTree()
    let several = try await ProgramUnderTest.run(
      "classify", "--explain", "\(tree.path)/out.png", ProgramUnderTest.sampleImage,
      ProgramUnderTest.sampleImage)
    #expect(several.exitCode == 2 && several.errors.contains("--explain is for one image"))
    let other = try await ProgramUnderTest.run(
      "classify", "--explain", "\(tree.path)/out.jpg", ProgramUnderTest.sampleImage)
    #expect(other.exitCode == 2 && other.errors.contains("call it out.png"))
  }
}
