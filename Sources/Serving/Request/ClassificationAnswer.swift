import Checkpoint
package import Inference
import Telemetry

/// The JSON that answers a classification, over HTTP and on the command line alike.
package struct ClassificationAnswer: Sendable {
  private let model: CompiledModel

  package init(_ model: CompiledModel) { self.model = model }

  /// `{"predictions": […]}` or `{"error": {…}}`, with the name of the picture's file where it has one.
  package func item(_ result: Result<[Ranking.Entry], Problem>, file: String? = nil) -> String {
    let name = file.map { #""file":\#(Log.quoted($0)),"# } ?? ""
    return switch result {
    case .success(let entries): #"{\#(name)"predictions":\#(predictions(entries))}"#
    case .failure(let problem): #"{\#(name)"error":\#(problem.json)}"#
    }
  }

  /// An item with the model: `{"model": …, "predictions": […]}`.
  package func document(_ item: String) -> String {
    #"{"model":\#(modelJSON),\#(item.dropFirst())"#
  }

  /// `{"model": …, "results": [item, …]}`.
  package func list(_ items: [String]) -> String {
    #"{"model":\#(modelJSON),"results":[\#(items.joined(separator: ","))]}"#
  }

  private var modelJSON: String {
    #"{"name":\#(Log.quoted(model.name)),"version":"\#(model.version.short)"}"#
  }

  private func predictions(_ entries: [Ranking.Entry]) -> String {
    let items = entries.map { entry in
      #"{"class":\#(entry.index),"label":\#(Log.quoted(model.labels[entry.index])),"#
        + #""probability":\#(entry.probability)}"#
    }
    return "[\(items.joined(separator: ","))]"
  }
}
