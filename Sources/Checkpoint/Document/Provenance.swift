import Words

/// Origin of a model, as its file tells it; nothing here changes an answer.
package struct Provenance: Sendable, Hashable, Codable {
  /// Training data, with origin and authors.
  package var data: String?
  package var recipe: String?
  /// Share of images that are classified correctly, 0 to 1, on `evaluationData`.
  package var accuracy: Double?
  package var evaluationData: String?
  /// SHA-256, in hexadecimal, of the model file that training started from.
  package var parent: String?
  package var licence: String?
  package var citations: [String]?
  /// Text of a `LearnedSample` of the training data.
  package var learnedSample: String?

  private enum CodingKeys: String, CodingKey, CaseIterable {
    case data, recipe, accuracy, parent, licence, citations
    case evaluationData = "evaluation_data"
    case learnedSample = "learned_sample"
  }

  package init() {}

  /// Origin of a model whose training began with another one: its version, and the licence and
  /// citations that go with it.
  package init(after parent: Model) {
    self.parent = parent.version.hex
    licence = parent.provenance?.licence.map {
      $0.hasPrefix(Self.inherited) ? $0 : Self.inherited + $0
    }
    citations = parent.provenance?.citations
  }

  private static let inherited = "of the network that training began with: "
}

// MARK: From outside a file

extension Provenance {
  /// Reads JSON if the string begins with `{`, or else a file of JSON.
  ///
  /// - Throws: `CheckpointError.provenance` for what is no object with members of this type alone.
  package static func read(_ text: String) throws(CheckpointError) -> Provenance {
    let given = try GivenJSON(text)
    func fault(_ reason: String) -> CheckpointError {
      .provenance(source: given.source, reason: reason)
    }
    let names = try given.decoded([String: AnyMember].self, orThrow: fault).keys
    let known = CodingKeys.allCases.map(\.stringValue)
    if let unknown = names.filter({ !known.contains($0) }).min() {
      let meant = Suggestion.nearest(to: unknown, among: known)
      throw fault(
        "\"\(unknown.prefix(40))\" is unknown" + (meant.map { "; did you mean \($0)?" } ?? "")
          + "; known are \(known.sorted().joined(separator: ", "))")
    }
    let provenance = try given.decoded(Provenance.self, orThrow: fault)
    if let accuracy = provenance.accuracy, !(0...1 ~= accuracy) {
      throw fault("accuracy is \(accuracy), it is a share from 0 to 1")
    }
    return provenance
  }

  /// A member whose value does not matter.
  private struct AnyMember: Decodable {
    init(from decoder: any Decoder) {}
  }

  /// Returns it with the members that `other` has in place of its own.
  package func replaced(by other: Provenance) -> Provenance {
    var result = self
    result.data = other.data ?? data
    result.recipe = other.recipe ?? recipe
    result.accuracy = other.accuracy ?? accuracy
    result.evaluationData = other.evaluationData ?? evaluationData
    result.parent = other.parent ?? parent
    result.licence = other.licence ?? licence
    result.citations = other.citations ?? citations
    result.learnedSample = other.learnedSample ?? learnedSample
    return result
  }

  /// What people read of it.
  package var inWords: Provenance {
    var result = self
    result.learnedSample = nil
    return result
  }
}
