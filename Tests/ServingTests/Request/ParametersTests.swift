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

  private func detail(_ body: () throws -> Void) -> String? {
    do {
      try body()
      return nil
    } catch {
      let problem = error as? Problem
      #expect(problem?.status == 400 && problem?.kind.name == "invalid-parameter")
      return problem?.detail
    }
  }

  @Test("Parameters and the client's deadline are read")
  func reads() throws {
    let read = try parameters(
      "?top_k=3&min_probability=0.25", [("X-Request-Timeout-Ms", "1500")])
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

  @Test(
    "An unknown parameter is refused with the one that was probably meant",
    arguments: [
      ("topk=3", #""topk" is an unknown parameter (did you mean top_k?)"#),
      ("top-k=3", "(did you mean top_k?)"), ("topK=3", "(did you mean top_k?)"),
      ("k=3", "(did you mean top_k?)"), ("n=3", "(did you mean top_k?)"),
      ("max-results=3", "(did you mean top_k?)"),
      ("min_prob=0.1", "(did you mean min_probability?)"),
      ("threshold=0.1", "(did you mean min_probability?)"),
      ("tresholds=0.1", "(did you mean min_probability?)"),
      ("timeout=5", "(did you mean the header X-Request-Timeout-Ms?)"),
      (
        "colour=red",
        #""colour" is an unknown parameter; /classify takes top_k, min_probability, features and explain"#
      ),
      ("submit=1", #""submit" is an unknown parameter; /classify takes"#),
      ("=3", #""" is an unknown parameter"#), ("top_k=3&x", #""x" is an unknown"#),
    ])
  func unknown(query: String, words: String) {
    let detail = detail { _ = try parameters("?" + query) }
    #expect(detail?.contains(words) == true, "\(detail ?? "")")
    #expect(
      detail?.hasSuffix("/classify takes top_k, min_probability, features and explain") == true)
  }

  @Test("A long unknown name is cut short, and costs no search")
  func longName() {
    let detail = detail { _ = try parameters("?" + String(repeating: "top_k", count: 1000)) }
    #expect(detail?.contains(#"top_k…" is an unknown parameter; "#) == true, "\(detail ?? "")")
    #expect(detail?.utf8.count ?? 0 < 200)
  }

  @Test(
    "A wrong value is named with the parameter and its range",
    arguments: [
      ("?top_k=11", #"top_k is a whole number from 1 to 10, not "11""#),
      ("?top_k=", "top_k is a whole number from 1 to 10, not nothing"),
      ("?min_probability=2", #"min_probability is a decimal number from 0 to 1, not "2""#),
      ("?top_k=3&top_k=3", "top_k is given twice in the query; give it once"),
    ])
  func values(query: String, words: String) {
    #expect(detail { _ = try parameters(query) } == words)
  }

  @Test("The deadline's wrong value is named")
  func deadlineValue() {
    let found = detail { _ = try parameters("", [("X-Request-Timeout-Ms", "soon")]) }
    #expect(found == #"X-Request-Timeout-Ms is a whole number from 1 to 3600000, not "soon""#)
  }

  @Test("A priority is low or normal, and a field of one value is given once")
  func headerValues() throws {
    #expect(try parameters("", [("X-Priority", "LOW")]).priority == .low)
    #expect(try parameters("", [("X-Priority", "normal")]).priority == .normal)
    #expect(try parameters("", [("X-Priority", "low"), ("X-Priority", "low")]).priority == .low)
    let unknown = detail { _ = try parameters("", [("X-Priority", "lo")]) }
    #expect(unknown == #"X-Priority is low or normal, not "lo""#)
    for (name, values) in [
      ("X-Priority", ["low", "normal"]), ("X-Resnetd-Canary", ["always", "never"]),
      ("X-Request-Timeout-Ms", ["1", "2"]),
    ] {
      let twice = detail { _ = try parameters("", values.map { (name, $0) }) }
      #expect(
        twice
          == "\(name) is given twice, as \"\(values[0])\" and as \"\(values[1])\"; give it once")
    }
  }

  @Test(
    "A number in another form than JSON's is told how to write it",
    arguments: [
      (".5", "0.5"), ("5.", "5"), ("%2B0.5", "0.5"), ("00.5", "0.5"), ("0,5", "0.5"),
      ("-.5", "-0.5"), ("01", "1"),
    ])
  func numberForms(text: String, written: String) {
    let found = detail { _ = try parameters("?min_probability=\(text)") }
    #expect(found?.hasSuffix("; write \(written)") == true, "\(found ?? "")")
  }

  /// Returns what a JSON body with these members adds to the parameters of a query.
  private func adding(_ members: String, to query: String) throws -> ClassificationParameters {
    let body = Array(#"{"image": "AQID"\#(members)}"#.utf8)
    let payload = try ImagePayload(body, MediaType("application/json"), imageCountLimit: 4)
    return try parameters(query).adding(payload.parameters, classCount: 10)
  }

  @Test("Parameters of the body join those of the query, and may repeat but not contradict them")
  func bodies() throws {
    let both = try adding(#", "top_k": 3"#, to: "?min_probability=0.5")
    #expect(both.topK == 3 && both.minimumProbability == 0.5)
    let same = try adding(#", "top_k": 3, "min_probability": 5e-1"#, to: "?top_k=3")
    #expect(same.topK == 3 && same.minimumProbability == 0.5)
    #expect(try adding(#", "top_k": null"#, to: "?top_k=4").topK == 4)
    #expect(try adding("", to: "?top_k=4").topK == 4)
    let found = detail { _ = try adding(#", "top_k": 2"#, to: "?top_k=3") }
    #expect(found == "top_k is 3 in the query and 2 in the JSON; give it once")
  }

  @Test(
    "A member that is not what it should be is refused by name",
    arguments: [
      (
        #""topk": 3"#, #""topk" is an unknown member (did you mean top_k?); the JSON takes image, "#
      ),
      (#""img": "AQID""#, #""img" is an unknown member (did you mean image?)"#),
      (#""t\u006fpk": 3"#, #""topk" is an unknown member"#),
      (#""x": null"#, #""x" is an unknown member; "#),
      (#""x": {"image": 3}"#, #""x" is an unknown"#),
      (#""top_k": 3, "top_k": 3"#, "top_k is given twice in the JSON"),
      (#""top_k": "3""#, #"from 1 to 10, not the string "3""#),
      (#""top_k": true"#, "not a boolean"),
      (#""top_k": 3.0"#, "not 3.0"), (#""top_k": [3]"#, "top_k is a number, not a list"),
      (#""top_k": {}"#, "top_k is a number, not an object"), (#""top_k": 11"#, "10, not 11"),
      (#""top_k": 1\#(String(repeating: "0", count: 80))"#, "0…"),
      (#""min_probability": 1.5"#, "min_probability is a decimal number from 0 to 1, not 1.5"),
    ])
  func members(text: String, words: String) {
    let found = detail { _ = try adding(", " + text, to: "") }
    #expect(found?.contains(words) == true, "\(found ?? "")")
  }
}
