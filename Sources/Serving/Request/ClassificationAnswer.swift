import Checkpoint
package import Inference
package import JSON

/// The JSON answer to a classification, over HTTP and on the command line alike.
package struct ClassificationAnswer: Sendable {
  private let model: CompiledModel
  /// Number of each image's features, if the answer has them.
  private let featureCount: Int?

  /// - Parameter withFeatures: Whether the answer has the features of each image, which the model
  ///   then gives.
  package init(_ model: CompiledModel, withFeatures: Bool = false) {
    self.model = model
    featureCount = withFeatures ? try? model.featureCount.get() : nil
  }

  /// Returns `{"predictions": […]}` or `{"error": {…}}`, with the name of the image's file if it
  /// has one, with `"unsure"` if the model has a threshold, and with `"features"` if there are any.
  package func item(
    _ result: Result<Ranking, Problem>, features: [Float]? = nil, file: String? = nil
  ) -> JSONObject {
    let item: JSONObject
    switch result {
    case .success(let ranking):
      let unsure: JSONObject = ranking.isUnsure.map { ["unsure": .boolean($0)] } ?? [:]
      let numbers: JSONObject = features.map { ["features": .floats($0)] } ?? [:]
      item = ["predictions": predictions(ranking.entries)] + unsure + numbers
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
    var identity: JSONObject = [
      "name": .string(model.name), "version": .string(model.version.short),
    ]
    if model.output.activation != .softmax {
      identity.append("activation", .string(model.output.activation.rawValue))
    }
    if let featureCount { identity.append("feature_count", .integer(featureCount)) }
    return .object(identity)
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
