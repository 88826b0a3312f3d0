import HTTPCore
import Serving
import Testing

@Suite struct ParametersTests {
  private func parameters(
    _ query: String, _ fields: [(String, String)] = []
  ) throws -> ClassificationParameters {
    let request = try Request("POST", "/classify" + query, fields)
    return try ClassificationParameters(request.head) { _ in 10 }
  }

  @Test("Known parameters are read, unknown ones ignored")
  func reads() throws {
    let read = try parameters(
      "?top_k=3&min_probability=0.25&colour=red", [("X-Request-Timeout-Ms", "1500")])
    #expect(read.topK == 3)
    #expect(read.minimumProbability == 0.25)
    #expect(read.timeout == .milliseconds(1500))
    #expect(try parameters("").topK == nil)
    for (text, value) in [("0", 0), ("1", 1), ("0.5", 0.5), ("5e-1", 0.5), ("0.05E%2B1", 0.5)] {
      #expect(
        try parameters("?min_probability=\(text)").minimumProbability == Float(value), "\(text)")
    }
  }

  @Test(
    "What is out of range is refused",
    arguments: [
      "?top_k=0", "?top_k=11", "?top_k=", "?top_k=+3", "?top_k=1.5", "?top_k=2&top_k=3",
      "?min_probability=1.1", "?min_probability=-0.1", "?min_probability=nan",
      "?min_probability=", "?min_probability=0x1", "?min_probability=.5", "?min_probability=1.",
      "?min_probability=%2B1", "?min_probability=00.5", "?min_probability=infinity",
      "?top_k=99999999999999999999",
    ])
  func refuses(query: String) {
    #expect(throws: Problem.self) { try parameters(query) }
  }

  @Test("A deadline is a whole number of milliseconds", arguments: ["0", "-1", "1.5", "", "1e3"])
  func deadlines(text: String) {
    #expect(throws: Problem.self) { try parameters("", [("X-Request-Timeout-Ms", text)]) }
  }
}
