import Checkpoint
package import Inference
package import JSON

/// The JSON answer to a classification, over HTTP and on the command line alike.
package struct ClassificationAnswer: Sendable {
  private let model: CompiledModel

  package init(_ model: CompiledModel) { self.model = model }

  /// Returns `{"predictions": […]}` or `{"error": {…}}`, with the name of the image's file if it
  /// has one, and with `"unsure"` if the model has a threshold.
  package func item(_ result: Result<Ranking, Problem>, file: String? = nil) -> JSONObject {
    let item: JSONObject
    switch result {
    case .success(let ranking):
      let unsure: JSONObject = ranking.isUnsure.map { ["unsure": .boolean($0)] } ?? [:]
      item = ["predictions": predictions(ranking.entries)] + unsure
    case .failure(let problem): item = ["error": problem.json]
    }
    return file.map { ["file": .string($0)] + item } ?? item
  }

  /// Returns an item with the model: `{"model": …, "predictions": […]}`.
  package func document(_ item: JSONObject) -> JSONValue { .object(["model": modelJSON] + item) }

  /// Returns `{"model": …, "results": [item, …]}`.
  package func list(_ items: [JSONObject]) -> JSONValue {
    ["model": modelJSON, "results": .array(items.map(JSONValue.object))]
  }

  /// Clients must know which numbers do not sum to 1.
  private var modelJSON: JSONValue {
    let identity: JSONObject = [
      "name": .string(model.name), "version": .string(model.version.short),
    ]
    guard model.output.activation != .softmax else { return .object(identity) }
    return .object(identity + ["activation": .string(model.output.activation.rawValue)])
  }

  private func predictions(_ entries: [Ranking.Entry]) -> JSONValue {
    let value = model.output.givesProbabilities ? "probability" : "score"
    return .array(
      entries.map { entry in
        let label = model.labels[entry.index]
        let name: JSONObject =
          model.output.displayNames[label].map { ["display_name": .string($0)] } ?? [:]
        return .object(
          ["class": .integer(entry.index), "label": .string(label)] + name
            + JSONObject([(value, .float(entry.value))]))
      })
  }
}
