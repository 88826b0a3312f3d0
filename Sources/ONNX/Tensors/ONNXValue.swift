/// An input or output of a graph, as it is declared.
package struct ONNXValue: Sendable, Equatable {
  package let name: String
  /// Nil where the type is not declared, or is no tensor of a known type.
  package let elementType: ONNXElementType?
  /// Nil for a dimension without a number; nil as a whole where any shape will do.
  package let shape: [Int?]?

  package init(name: String, elementType: ONNXElementType?, shape: [Int?]?) {
    self.name = name
    self.elementType = elementType
    self.shape = shape
  }

  /// `[1, 3, ?, ?]`
  package var shapeText: String {
    guard let shape else { return "any shape" }
    return "[" + shape.map { $0.map(String.init) ?? "?" }.joined(separator: ", ") + "]"
  }
}
