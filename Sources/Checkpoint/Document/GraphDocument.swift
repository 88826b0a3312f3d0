import Imaging
import ResNet

/// A graph in a model file's JSON, for networks that no `Architecture` describes:
///
///     {"input": {"channels": 3, "height": 32, "width": 32},
///      "nodes": [{"name": "conv1", "operation": "convolution", "inputs": ["input"],
///                 "channels": 16, "kernel": [3, 3], "padding": [1, 1]},
///                …, {"name": "fc", "operation": "linear", "inputs": ["pool"], "outputs": 10}]}
///
/// A node reads `input` or nodes before it, so there is no cycle. The last node's output is the
/// network's, and every other node's is read. Parameters are the file's tensors `NAME.weight`,
/// `NAME.bias` and so on.
struct GraphDocument: Codable, Equatable {
  let input: FeatureShape
  let nodes: [GraphNodeDocument]

  private enum CodingKeys: String, CodingKey { case input, nodes }

  /// Drops everything that has no key here, so a writer compares with the graph that is read back.
  init(_ graph: Graph) {
    input = graph.inputShape
    let names = graph.nodes.map(\.name)
    nodes = graph.nodes.dropFirst().map { node in
      GraphNodeDocument(
        name: node.name, operation: node.operation, inputs: node.inputs.map { names[$0] })
    }
  }

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    input = try container.decode(FeatureShape.self, forKey: .input)
    var list = try container.nestedUnkeyedContainer(forKey: .nodes)
    var nodes: [GraphNodeDocument] = []
    while !list.isAtEnd {
      // The input is a node of the graph too.
      guard nodes.count + 1 < ONNXImportLimits.nodeCount else {
        throw CheckpointError.overLimit(
          what: "nodes of the graph", value: list.count ?? nodes.count + 2,
          limit: ONNXImportLimits.nodeCount)
      }
      nodes.append(try list.decode(GraphNodeDocument.self))
    }
    self.nodes = nodes
  }

  /// Returns the graph, which passes every check that an imported ONNX graph passes.
  func graph() throws(CheckpointError) -> Graph {
    for side in [input.height, input.width] where !(1...ONNXImportLimits.inputSide ~= side) {
      throw .overLimit(what: "a side of the input", value: side, limit: ONNXImportLimits.inputSide)
    }
    guard Preprocessing.channelCountLimit.contains(input.channels) else {
      throw .overLimit(
        what: "channels of the input", value: input.channels,
        limit: Preprocessing.channelCountLimit.upperBound)
    }
    var graph = Graph(input: input)
    var shapes = [input]
    var ids = [graph.nodes[0].name: 0]
    for node in nodes {
      guard ids[node.name] == nil else { throw Self.fault("two nodes are called \"\(node.name)\"") }
      let made = Graph.Node(
        name: node.name, operation: node.operation, inputs: try node.inputIDs(ids))
      do {
        shapes.append(try Graph.checkedShape(of: made, inputs: made.inputs.map { shapes[$0] }))
      } catch { throw Self.fault(error.description) }
      ids[node.name] = graph.append(made)
    }
    try Self.checkOutput(of: graph, shapes)
    try Self.checkWork(of: graph, shapes)
    return graph
  }

  private static func checkOutput(
    of graph: Graph, _ shapes: [FeatureShape]
  ) throws(CheckpointError) {
    let shape = shapes[graph.output]
    guard graph.output > 0, shape.height == 1, shape.width == 1 else {
      throw fault("its output is not that of a classifier: it comes from \(shape)")
    }
    guard shape.channels <= ONNXImportLimits.classCount else {
      throw .overLimit(
        what: "classes", value: shape.channels, limit: ONNXImportLimits.classCount)
    }
    if let unread = graph.readerCounts().firstIndex(of: 0) {
      throw fault("nothing reads node \"\(graph.nodes[unread].name)\"")
    }
  }

  /// Checks the multiply-adds, and the numbers of the feature maps, of one image.
  ///
  /// Nothing is known of the file's tensors yet, so any product may overflow.
  private static func checkWork(
    of graph: Graph, _ shapes: [FeatureShape]
  ) throws(CheckpointError) {
    let parameters: [String: [Int]]
    do { parameters = try graph.parameterShapes() } catch { throw fault(error.description) }
    if let name = parameters.keys.first(where: {
      $0.utf8.count > SafetensorsLimits.nameByteCount
    }) {
      throw .overLimit(
        what: "bytes of the tensor name \(name.prefix(40))…", value: name.utf8.count,
        limit: SafetensorsLimits.nameByteCount)
    }
    var work = 0
    for (node, shape) in zip(graph.nodes, shapes) {
      let weight = parameters["\(node.name).weight"] ?? []
      var cost = weight.isEmpty ? 0 : shape.pixelCount
      for factor in weight where cost > 0 {
        let (product, overflows) = cost.multipliedReportingOverflow(by: factor)
        cost = overflows ? .max : product
      }
      // Nothing overflows: a map has at most 2^28 numbers, a window 2^32, and the sum so far is
      // within the limit.
      work += min(cost, ONNXImportLimits.work)
      work += shape.elementCount * (ONNXImportLimits.numberWork + node.operation.windowNumberCount)
      guard work <= ONNXImportLimits.work else {
        throw .overLimit(
          what: "multiply-adds of the graph", value: work, limit: ONNXImportLimits.work)
      }
    }
  }

  static func fault(_ reason: String) -> CheckpointError { .metadata(reason: "graph: \(reason)") }
}
