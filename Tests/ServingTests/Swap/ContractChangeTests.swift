import Checkpoint
import Engine
import Inference
import Serving
import Testing

/// What a swap tells of changes that clients may have to know of.
@Suite struct ContractChangeTests {
  @Test("Another input and other channels are told, and what is the same is not")
  func inputs() throws {
    let usual = try SmallModels.live("a")
    #expect(ContractChange.all(from: usual, to: try SmallModels.live("b", scale: 2)).isEmpty)
    let bands = try CompiledModel(SmallModels.bands("c"))
    let changes = ContractChange.all(from: usual, to: bands)
    #expect(changes.map(\.what) == ["input_size", "channels"])
    #expect(changes.map(\.former) == ["32x32", "rgb"])
    #expect(changes.map(\.now) == ["16x16", "2 bands"])
  }

  @Test("Outputs that mean something else are told in the answer and in the log")
  func output() async throws {
    let admin = try AdminFixture()
    let same = try await admin.ask("PUT", "/admin/model", body: admin.file("next")).json()
    #expect((same["changed"] as? [Any])?.isEmpty == true)
    let model = try SmallModels.model("next", output: OutputRule(activation: .sigmoid))
    let answer = try await admin.ask("PUT", "/admin/model", body: admin.file(model)).json()
    let changes = try #require(answer["changed"] as? [[String: String]])
    #expect(changes == [["what": "output", "former": "softmax", "now": "sigmoid"]])
    #expect(
      admin.logged.contains(
        #"in what it takes or answers","version":"\#(model.version.short)","what":"output","former":"softmax""#
      ))
  }
}
