import ResNet
import Testing
import Training

@Suite struct TrainingErrorTests {
  @Test("An error names the node and the reason")
  func description() {
    let error = TrainingError.untrainable(node: "softmax", reason: "it has no gradient")
    #expect(error.description == "softmax cannot be trained: it has no gradient")
    #expect(
      TrainingError.graph(.missingParameter("fc.weight")).description
        == "parameter fc.weight is missing")
  }
}
