/// Where a model comes from, as its file tells it; nothing here changes an answer.
package struct Provenance: Sendable, Hashable, Codable {
  /// What it was trained on, with origin and authors.
  package var data: String?
  package var recipe: String?
  /// Share of pictures classified rightly, 0 to 1, on `evaluationData`.
  package var accuracy: Double?
  package var evaluationData: String?
  /// SHA-256, in hexadecimal, of the model file that training started from.
  package var parent: String?
  package var licence: String?
  package var citations: [String]?

  private enum CodingKeys: String, CodingKey {
    case data, recipe, accuracy, parent, licence, citations
    case evaluationData = "evaluation_data"
  }

  package init() {}
}
