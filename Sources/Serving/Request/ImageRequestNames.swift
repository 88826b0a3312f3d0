/// Names that a request may use for its images and its parameters, and the check that nothing else is
/// given.
package struct ImageRequestNames: Sendable {
  package static let classification = Self(
    KnownNames(
      names: ["top_k", "min_probability", "features", "explain"],
      synonyms: ClassificationParameters.synonyms),
    taker: "/classify takes", kind: "a number", otherKinds: ["explain": "a string"])

  package static let prediction = Self(
    KnownNames(
      names: ["top_k", "min_probability"],
      synonyms: ClassificationParameters.synonyms.filter { !["features", "explain"].contains($1) }),
    taker: "/predictions takes", kind: "a number")
  /// An inference says all in its body.
  package static let inference = Self(
    KnownNames(names: [], synonyms: [:]), taker: "the query of an inference takes", kind: "")

  private let known: KnownNames
  private let knownInJSON: KnownNames
  /// Beginning of the sentence that the names in the query complete.
  private let taker: String
  /// What the parameters are in JSON, and by name those that are something else.
  private let kind: String
  private let otherKinds: [String: String]

  init(
    _ known: KnownNames, taker: String, kind: String, otherKinds: [String: String] = [:]
  ) {
    self.known = known
    (self.taker, self.kind, self.otherKinds) = (taker, kind, otherKinds)
    knownInJSON = KnownNames(
      names: ["image", "images"] + known.names,
      synonyms: known.synonyms.merging(Self.imageSynonyms) { $1 })
  }

  private static let imageSynonyms: [String: String] = {
    var synonyms: [String: String] = [:]
    for name in [
      "img", "picture", "photo", "file", "data", "b64", "base64", "image_base64", "image_b64",
      "image_data", "input", "content",
    ] { synonyms[name] = "image" }
    for name in [
      "imgs", "pictures", "photos", "files", "inputs", "instances", "batch", "images_base64",
    ] { synonyms[name] = "images" }
    return synonyms
  }()

  /// Names of the parameters.
  package var query: [String] { known.names }

  /// Returns what a parameter is in JSON.
  func kind(of name: String) -> String { otherKinds[name] ?? kind }

  /// Returns whether it is the name of a parameter.
  func contains(_ name: String) -> Bool { known.names.contains(name) }

  /// Throws for a name that is unknown, and for one that is given twice in the same place.
  func check(_ given: [GivenParameter]) throws(Problem) {
    var seen: Set<String> = []
    for item in given {
      guard known.names.contains(item.name) else { throw unknown(item) }
      guard seen.insert(item.name).inserted else {
        throw .parameter("\(item.name) is given twice in \(item.place.name); give it once")
      }
    }
  }

  private func unknown(_ item: GivenParameter) -> Problem {
    switch item.place {
    case .query: known.unknown(item.name, item.place.noun, taker)
    case .form: known.unknown(item.name, item.place.noun, "beside files a form takes")
    case .json: knownInJSON.unknown(item.name, item.place.noun, "the JSON takes")
    }
  }
}
