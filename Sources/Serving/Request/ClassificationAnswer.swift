import Checkpoint
package import Inference
package import JSON

/// The JSON answer to a classification, over HTTP and on the command line alike.
package struct ClassificationAnswer: Sendable {
  private let model: CompiledModel

  package init(_ model: CompiledModel) { self.model = model }

  /// Returns `{"predictions": […]}` or `{"error": {…}}`, with the name of the image's file if it
  /// has one.
  package func item(_ result: Result<[Ranking.Entry], Problem>, file: String? = nil) -> JSONObject {
    let item: JSONObject =
      switch result {
      case .success(let entries): ["predictions": predictions(entries)]
      case .failure(let problem): ["error": problem.json]
      }
    return file.map { ["file": .string($0)] + item } ?? item
  }

  /// Returns an item with the model: `{"model": …, "predictions": […]}`.
  package func document(_ item: JSONObject) -> JSONValue { .object(["model": modelJSON] + item) }

  /// Returns `{"model": …, "results": [item, …]}`.
  package func list(_ items: [JSONObject]) -> JSONValue {
    ["model": modelJSON, "results": .array(items.map(JSONValue.object))]
  }

  private var modelJSON: JSONValue {
    ["name": .string(model.name), "version": .string(model.version.short)]
  }

  private func predictions(_ entries: [Ranking.Entry]) -> JSONValue {
    .array(
      entries.map { entry in
        [
          "class": .integer(entry.index), "label": .string(model.labels[entry.index]),
          "probability": .float(entry.probability),
        ]
      })
  }
}
