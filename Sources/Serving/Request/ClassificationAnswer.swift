import Checkpoint
package import HTTPCore
package import Inference
package import JSON

/// What an answer tells of an image beside its classes.
package struct InnerAnswer: Sendable {
  /// Features, if they are wanted.
  package var features: [Float]?
  /// For each class that is ranked its class activation map, row-major; nil unless wanted.
  package var maps: [[Float]]?

  package init() {}

  /// - Parameters:
  ///   - output: What a run gave for the image.
  ///   - wanted: What of it is wanted; nil if it lacks any of that.
  package init?(
    _ output: ImageOutput, _ wanted: InnerOutputs, for ranking: Ranking, _ model: CompiledModel
  ) {
    if wanted.contains(.features) {
      guard let features = output.features else { return nil }
      self.features = features
    }
    if wanted.contains(.lastMap) {
      guard let map = output.lastMap, case .success(let activation) = model.classActivation
      else { return nil }
      maps = ranking.entries.map { activation.map(of: $0.index, from: map) }
    }
  }
}

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
  /// has one, with `"unsure"` if the model has a threshold, and with `"features"` and a `"cam"` of
  /// each prediction if there are any.
  package func item(
    _ result: Result<Ranking, Problem>, inner: InnerAnswer = InnerAnswer(), file: String? = nil
  ) -> JSONObject {
    let item: JSONObject
    switch result {
    case .success(let ranking):
      let unsure: JSONObject = ranking.isUnsure.map { ["unsure": .boolean($0)] } ?? [:]
      let numbers: JSONObject = inner.features.map { ["features": .floats($0)] } ?? [:]
      item = ["predictions": predictions(ranking.entries, inner.maps)] + unsure + numbers
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

  /// Answers as TorchServe's image classifier does: an object of numbers by label, best first.
  ///
  /// A label that several classes have is told apart by the class's number.
  package func prediction(_ ranking: Ranking) -> Response {
    var counts: [String: Int] = [:]
    for entry in ranking.entries { counts[model.labels[entry.index], default: 0] += 1 }
    let members = ranking.entries.map { entry in
      let label = model.labels[entry.index]
      var name = label
      if counts[label] != 1 {
        // Until no label is called so.
        repeat { name += " (class \(entry.index))" } while counts[name] != nil
      }
      return (name, JSONValue.float(entry.value))
    }
    return Response(
      status: 200, contentType: "application/json",
      body: JSONValue.object(JSONObject(members)).line)
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

  private func predictions(_ entries: [Ranking.Entry], _ maps: [[Float]]?) -> JSONValue {
    let value = model.output.givesProbabilities ? "probability" : "score"
    return .array(
      entries.enumerated().map { place, entry in
        let label = model.labels[entry.index]
        let name: JSONObject =
          model.output.displayNames[label].map { ["display_name": .string($0)] } ?? [:]
        let map: JSONObject = maps.map { ["cam": rows($0[place])] } ?? [:]
        return .object(
          ["class": .integer(entry.index), "label": .string(label)] + name
            + JSONObject([(value, .float(entry.value))]) + map)
      })
  }

  /// Returns a map as an array of its rows.
  private func rows(_ map: [Float]) -> JSONValue {
    guard case .success(let activation) = model.classActivation else { return .array([]) }
    return .array(
      (0..<activation.height).map { row in
        .floats(Array(map[row * activation.width..<(row + 1) * activation.width]))
      })
  }
}
