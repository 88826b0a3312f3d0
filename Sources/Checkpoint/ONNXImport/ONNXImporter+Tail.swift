import ONNX
import ResNet

extension ONNXImporter {
  /// The output that has the classes' logits: the only one, the named one, or the one that all others
  /// come from.
  struct Tail {
    /// Name of the tensor that is taken.
    let tensor: String
    let warnings: [String]
    /// Labels that a ZipMap at the end has, with their place.
    private(set) var labels: (labels: [String], source: String)?

    /// Operators that only change the form of a result.
    private static let forms: Set<String> = [
      "ArrayFeatureExtractor", "Cast", "Dropout", "Flatten", "Identity", "Reshape", "Squeeze",
      "Unsqueeze",
    ]
    /// Operators that pick classes by their numbers, which an answer does by itself.
    private static let picks: Set<String> = ["ArgMax", "TopK", "ZipMap"]
    private static let activations: Set<String> = ["Softmax", "LogSoftmax", "Sigmoid"]

    /// - Parameter name: Name of the output that has the classes, if it was given.
    init(_ model: ONNXModel, named name: String?) throws(CheckpointError) {
      let outputs = model.outputs
      var makers: [String: ONNXNode] = [:]
      for node in model.nodes {
        for output in node.outputs where !output.isEmpty { makers[output] = node }
      }
      if let name {
        guard outputs.contains(where: { $0.name == name }) else {
          throw .unsupported(
            "no output \"\(name)\" (--output-name); \(Self.list(outputs))")
        }
        (tensor, warnings) = Self.uncut(name, makers)
        labels = Self.labels(of: [makers[name]])
        return
      }
      guard let first = outputs.first else {
        throw .unsupported("0 outputs; a classifier has one, its logits")
      }
      let ends = outputs.map { Self.uncut($0.name, makers) }
      let sources = Set(ends.map { Self.source($0.tensor, makers) })
      guard outputs.count == 1 || sources.count == 1 else {
        throw .severalOutputs(
          "\(outputs.count) outputs; \(Self.list(outputs)); name the one that has the classes "
            + "(--output-name)", names: outputs.map(\.name))
      }
      // What the graph says of the logits' meaning, one output may say and another not.
      let meanings = ends.map { Self.meaning(of: $0.tensor, makers) }
      let said = Set(meanings.filter { !$0.isEmpty })
      guard said.count < 2 else {
        let names = said.map { $0.joined(separator: " after ") }.sorted()
        throw .unsupported(
          "\(outputs.count) outputs of the same logits, which disagree about what these mean "
            + "(\(names.joined(separator: ", "))); \(Self.list(outputs)); name the one that has the "
            + "classes (--output-name)")
      }
      let chosen =
        zip(ends, meanings).first { !$0.1.isEmpty }?.0 ?? ends.first ?? (first.name, [])
      tensor = chosen.0
      labels = Self.labels(of: outputs.map { makers[$0.name] })
      warnings =
        Array(Set(ends.flatMap(\.1))).sorted()
        + (outputs.count == 1
          ? [] : ["\(outputs.count) outputs of the same logits are read as one"])
    }

    /// Walks back over operators that pick classes.
    private static func uncut(
      _ output: String, _ makers: [String: ONNXNode]
    ) -> (tensor: String, warnings: [String]) {
      var (tensor, warnings) = (output, [String]())
      var place = output
      while let node = makers[place], let input = passedInput(of: node) {
        if picks.contains(node.operation), isOfClasses(node) {
          let name = ONNXImporter.readable(node.operation)
          warnings.append(
            "the \(name) at the end of the graph is left out: an answer ranks the classes itself")
          tensor = input
        } else if !forms.contains(node.operation) {
          break
        }
        place = input
      }
      return (tensor, warnings)
    }

    /// Returns the input that a node passes on; of one that looks up what belongs to a class, the
    /// class.
    private static func passedInput(of node: ONNXNode) -> String? {
      node.operation == "ArrayFeatureExtractor" ? node.inputs.dropFirst().first : node.inputs.first
    }

    /// Returns the labels that the first ZipMap of some nodes has.
    ///
    /// Numbers of classes in order say nothing; others do.
    private static func labels(
      of nodes: [ONNXNode?]
    ) -> (labels: [String], source: String)? {
      guard let node = nodes.compactMap(\.self).first(where: { $0.operation == "ZipMap" }) else {
        return nil
      }
      if case .strings(let labels) = node.attributes["classlabels_strings"] {
        return (labels, "ZipMap, classlabels_strings")
      }
      guard case .integers(let numbers) = node.attributes["classlabels_int64s"],
        numbers != Array(0..<Int64(numbers.count))
      else { return nil }
      return (numbers.map(String.init), "ZipMap, classlabels_int64s")
    }

    /// Whether a node picks along the last axis of `[N, classes]`.
    ///
    /// TopK of the smallest ranks classes the other way round than an answer does.
    private static func isOfClasses(_ node: ONNXNode) -> Bool {
      if node.operation == "TopK", node.attributes["largest"] == .integer(0) { return false }
      switch node.attributes["axis"] {
      case .integer(let axis): return axis == 1 || axis == -1
      case nil: return node.operation != "ArgMax"
      default: return false
      }
    }

    /// The logits, without what says nothing more of them.
    private static func source(_ tensor: String, _ makers: [String: ONNXNode]) -> String {
      var place = tensor
      while let node = makers[place], let input = passedInput(of: node),
        forms.contains(node.operation) || activations.contains(node.operation)
      {
        place = input
      }
      return place
    }

    /// Returns what makes probabilities before an output, the last first; a logarithm means the same.
    private static func meaning(of tensor: String, _ makers: [String: ONNXNode]) -> [String] {
      var (place, meaning) = (tensor, [String]())
      while let node = makers[place], let input = passedInput(of: node) {
        if activations.contains(node.operation) {
          meaning.append(node.operation == "LogSoftmax" ? "Softmax" : node.operation)
        } else if !forms.contains(node.operation) {
          break
        }
        place = input
      }
      return meaning
    }

    private static func list(_ outputs: [ONNXValue]) -> String {
      let names = outputs.prefix(8).map {
        "\"\(ONNXImporter.readable($0.name))\" \($0.shapeDescription)"
      }
      return "the file has " + names.joined(separator: ", ") + (outputs.count > 8 ? ", …" : "")
    }
  }
}
