/// Reason why a graph or an architecture cannot be a network; the payload names the node or block.
package enum GraphError: Error, Hashable, CustomStringConvertible {
  /// The two inputs of a sum have unequal shapes.
  case unequalShapes(block: String, main: FeatureShape, shortcut: FeatureShape)
  /// The factors of a product have unequal shapes, and neither is `[C, 1, 1]`.
  case unequalFactors(node: String, first: FeatureShape, second: FeatureShape)
  /// The numbers of an elementwise function are invalid.
  case badFunction(node: String, reason: String)
  /// The window, with padding, does not fit into the input even once.
  case windowTooLarge(node: String, input: FeatureShape, window: Extent)
  case channelsNotDivisible(node: String, channels: Int, groups: Int)
  /// A parameter that the node needs is missing.
  case missingParameter(String)
  case parameterShape(name: String, expected: [Int], actual: [Int])
  /// A number of an architecture or operation is outside its range.
  case outOfRange(what: String, value: Int, allowed: ClosedRange<Int>)

  package var description: String {
    switch self {
    case .unequalShapes(let block, let main, let shortcut):
      "\(block): the main path gives \(main), the shortcut gives \(shortcut); the shapes must agree"
    case .unequalFactors(let node, let first, let second):
      "\(node): \(first) cannot be multiplied by \(second); "
        + "the shapes must be equal, or one of them Cx1x1"
    case .badFunction(let node, let reason): "\(node): \(reason)"
    case .windowTooLarge(let node, let input, let window):
      "\(node): a \(window.height)x\(window.width) window does not fit into \(input)"
    case .channelsNotDivisible(let node, let channels, let groups):
      "\(node): \(channels) channels cannot be divided into \(groups) groups"
    case .missingParameter(let name): "parameter \(name) is missing"
    case .parameterShape(let name, let expected, let actual):
      "parameter \(name) has shape \(actual), the network needs \(expected)"
    case .outOfRange(let what, let value, let allowed):
      "\(what) is \(value), allowed are \(allowed.lowerBound) to \(allowed.upperBound)"
    }
  }
}
