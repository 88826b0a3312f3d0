import Testing
import Words

struct SuggestionTests {
  private static let names = ["limit", "top_k", "threshold", "min_probability", "port"]

  @Test(
    "A word that differs in one of three letters at most is found",
    arguments: [
      ("limt", "limit"), ("Limits", "limit"), ("prot", "port"), ("tresholt", "threshold"),
      ("top-k", "top_k"), ("min-probabilty", "min_probability"), ("probability", "min_probability"),
    ])
  func near(word: String, meant: String) {
    #expect(Suggestion.nearest(to: word, among: Self.names) == meant)
  }

  @Test(
    "One that differs in more is not",
    arguments: ["submit", "list", "tidal", "x", "", "--"])
  func far(word: String) {
    #expect(Suggestion.nearest(to: word, among: Self.names) == nil)
  }
}
