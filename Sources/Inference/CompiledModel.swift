package import Checkpoint
package import Engine
package import Imaging
package import ResNet

/// A model as it serves: compiled, with everything its answers need; its plain weights are
/// released.
package struct CompiledModel: Sendable {
  package let name: String
  package let version: ModelVersion
  package let labels: [String]
  package private(set) var preprocessing: Preprocessing
  /// Meaning of the network's outputs.
  package let output: OutputRule
  /// What the file did not say and was assumed, as in `Model`.
  package let assumptions: [String]
  package let graph: Graph
  /// Number of features that a run can give for an image (`Classifier.run`), or the reason why it
  /// gives none.
  package let featureCount: Result<Int, FeatureFault>
  /// What makes class activation maps of the last map that a run gives for an image, or the reason
  /// why there are none.
  package let classActivation: Result<ClassActivation, ClassActivationFault>
  package let precision: Precision
  /// Plan that it was compiled for.
  package private(set) var plan: CPUPlan
  package let network: CompiledNetwork

  /// Compiles on the calling thread; without a plan, by the rule of `CPUPlan` for one worker.
  ///
  /// - Parameter deadline: Time at which it stops between two layers with `EngineError.outOfTime`.
  package init(
    _ model: Model, precision: Precision = .fp32, plan: CPUPlan? = nil,
    winograd: WinogradPolicy = .measured, deadline: ContinuousClock.Instant? = nil,
    unless isCancelled: @escaping @Sendable () -> Bool = { false }
  ) throws(EngineError) {
    let plan = plan ?? CPUPlan.Settings().plan(cores: 1, for: model.graph)
    name = model.name
    version = model.version
    labels = model.labels
    preprocessing = model.preprocessing
    output = model.output
    assumptions = model.assumptions
    graph = model.graph
    self.plan = plan
    var options = CompilationOptions()
    options.winograd = winograd
    options.deadline = deadline
    options.input = .pixels
    options.precision = precision
    options.calibration = model.calibration
    options.batchSizes = plan.batchSizes
    options.isCancelled = isCancelled
    options.teamThreads = plan.threads > 1 ? plan.threads : nil
    let feature = Result { () throws(FeatureFault) in try model.graph.featureNode() }
    if case .success(let node) = feature { options.taps = [model.graph.nodes[node].name] }
    classActivation = Result { () throws(ClassActivationFault) in
      let source = try model.graph.classActivationSource()
      guard
        let maps = ClassActivation(source, model.weights, labelCount: model.labels.count)
      else { throw .noMatrix(node: source.layer) }
      // A network with a last map has features.
      options.taps.append(model.graph.nodes[source.map].name)
      return maps
    }
    self.precision = precision
    let network = try CompiledNetwork(model.graph, model.weights, options: options)
    self.network = network
    featureCount = feature.map { _ in network.tapShapes[0].elementCount }
  }

  /// Returns the same model for another number of workers.
  package func with(workers: Int) -> CompiledModel {
    var other = self
    other.plan.workers = workers
    return other
  }

  /// Returns the same network for images that are prepared otherwise, to the same size.
  package func with(preprocessing: Preprocessing) -> CompiledModel {
    precondition(
      preprocessing.outputSize == self.preprocessing.outputSize, "the size must be the network's")
    var other = self
    other.preprocessing = preprocessing
    return other
  }

  /// Returns the same model without a team, although the network still has one.
  package func withoutTeam() -> CompiledModel {
    var alone = self
    alone.plan.threads = 1
    return alone
  }
}
