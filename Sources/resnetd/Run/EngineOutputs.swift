import ResNet

/// Outputs of a model's network that `run --engine` is asked for, and the files that they go to.
struct EngineOutputs {
  private enum Source {
    case logits
    /// Place of the node in `nodes`.
    case node(Int)
  }

  private var sources: [(source: Source, file: String)] = []
  /// Names of the nodes to compute, each once.
  private(set) var nodes: [String] = []

  /// Name of the network's output.
  private static let logits = "logits"
  /// Outputs of a module that an error lists.
  private static let listedCount = 8
  /// Name of the input of the last linear layer.
  private static let features = "features"

  /// Finds the outputs in a graph; a file without a name is for the logits.
  init(_ texts: [String], in graph: Graph) throws {
    var names: Set<String> = []
    for text in texts {
      let named = try NamedFile(
        text, isName: { Self.isName($0, in: graph) }, refusal: { Self.refusal($0, in: graph) })
      let name = named.name ?? Self.logits
      guard names.insert(name).inserted else {
        throw UsageError("two files for the output \(name)")
      }
      try WrittenFile.check(named.file, "--output", holds: .npy)
      sources.append((try source(name, in: graph), named.file))
    }
  }

  private static func isName(_ name: String, in graph: Graph) -> Bool {
    [logits, features].contains(name) || !graph.outputs(named: name).isEmpty
  }

  private mutating func source(_ name: String, in graph: Graph) throws(Failure) -> Source {
    // These two mean the same for every network, even if it has a module of that name.
    if name == Self.logits { return .logits }
    let node = name == Self.features ? try Self.features(of: graph) : try Self.node(name, in: graph)
    let nodeName = graph.nodes[node].name
    if let place = nodes.firstIndex(of: nodeName) { return .node(place) }
    nodes.append(nodeName)
    return .node(nodes.count - 1)
  }

  private static func features(of graph: Graph) throws(Failure) -> Graph.NodeID {
    do throws(FeatureFault) { return try graph.featureNode() } catch {
      throw Failure(error.description)
    }
  }

  private static func node(_ name: String, in graph: Graph) throws(Failure) -> Graph.NodeID {
    let found = graph.outputs(named: name)
    guard found.count == 1 else {
      throw Failure(
        "\(name) has \(found.count) outputs; name one of them: "
          + found.prefix(Self.listedCount).map { graph.nodes[$0].name }.joined(separator: ", "))
    }
    return found[0]
  }

  /// Says which names there are: those around what was given, or all of the outermost modules.
  private static func refusal(_ name: String, in graph: Graph) -> Failure {
    let (module, names) = graph.names(around: name)
    let suggestion = NamedFile.suggestion(
      for: name, module.isEmpty ? "it" : module,
      has: module.isEmpty ? [logits, features] + names : names)
    return Failure(
      "the network has no output \(name); \(suggestion); `resnetd inspect` lists all layers. "
        + NamedFile.hint)
  }

  /// Writes the outputs to their files.
  func write(_ outputs: (logits: EngineRun.Output, nodes: [EngineRun.Output])) throws(Failure) {
    for (source, file) in sources {
      let output =
        switch source {
        case .logits: outputs.logits
        case .node(let place): outputs.nodes[place]
        }
      try FileBytes.write(NPYFile.bytes(output.numbers, shape: output.shape), to: file)
    }
  }
}
