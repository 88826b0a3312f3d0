extension ONNXModel {
  /// Throws unless each name is defined once and before it is used. ONNX's checker checks most of
  /// this too, but the evaluator relies on all of it.
  func checkNames(allInputs: [ONNXValue]) throws(ONNXError) {
    var known = Set(initializers.keys)
    var inputNames: Set<String> = []
    for input in allInputs {
      guard !input.name.isEmpty, inputNames.insert(input.name).inserted else {
        throw .malformed(reason: "two inputs are called \"\(input.name)\"")
      }
      known.insert(input.name)
    }
    for node in nodes {
      for input in node.inputs where !input.isEmpty && !known.contains(input) {
        throw .malformed(
          reason: "node \"\(node.name)\" (\(node.operation)) reads \"\(input)\", which nothing "
            + "before it defines")
      }
      for output in node.outputs where !output.isEmpty {
        guard known.insert(output).inserted else {
          throw .malformed(reason: "\"\(output)\" is defined twice")
        }
      }
    }
    var outputNames: Set<String> = []
    for output in outputs {
      guard known.contains(output.name) else {
        throw .malformed(reason: "nothing defines the output \"\(output.name)\"")
      }
      guard outputNames.insert(output.name).inserted else {
        throw .malformed(reason: "two outputs are called \"\(output.name)\"")
      }
    }
  }
}
