import Engine
import ResNet
import Testing

/// Tells whether networks run in a precision on this CPU; if not, expects that they are refused
/// with a way out.
func runs(
  in precision: Precision, sourceLocation: SourceLocation = #_sourceLocation
) throws -> Bool {
  guard !precision.isSupported else { return true }
  var graph = Graph(input: FeatureShape(channels: 3, height: 4, width: 4))
  graph.append("conv", .convolution(Convolution(outputChannels: 4, kernel: Extent(1))), 0)
  var options = CompilationOptions()
  options.precision = precision
  options.calibration = Calibration(method: "test", ranges: ["input": 1, "conv": 1])
  #expect(sourceLocation: sourceLocation) {
    try CompiledNetwork(graph, .random(for: graph), options: options)
  } throws: { error in
    guard case .unsupported(let reason)? = error as? EngineError else { return false }
    return reason.contains(precision.rawValue) && reason.contains(InstructionLevel.used.rawValue)
      && reason.contains("auto")
  }
  return false
}
