import Checkpoint
package import HTTPCore
package import Inference

/// Parameters that a client gives to a classification besides its images.
package struct ClassificationParameters: Sendable, Hashable {
  package static let defaultTopK = 5

  /// Number of classes to return, or nil for the default, which the number of classes bounds.
  package var topK: Int?
  /// Probability below which a class is left out, or nil for none.
  package var minimumProbability: Float?
  /// Whether the features of each image are wanted beside its classes; nil if nothing is said.
  package var features: Bool?
  package var wantsFeatures: Bool { features == true }
  /// How the answer is explained beside its classes; nil for not at all.
  package var explanation: Explanation?

  /// Ways of telling why a class was found.
  package enum Explanation: String, Sendable, Hashable, CaseIterable {
    /// A class activation map for each class of the answer (Zhou et al. 2016).
    case cam
  }

  /// What a run must give beside the classes.
  package var innerOutputs: InnerOutputs {
    var outputs: InnerOutputs = []
    if wantsFeatures { outputs.insert(.features) }
    if explanation == .cam { outputs.insert(.lastMap) }
    return outputs
  }

  /// Timeout from `X-Request-Timeout-Ms`.
  package var timeout: Duration?
  /// Priority from `X-Priority`.
  package var priority = Priority.normal
  /// Choice between the live model and a canary, from `X-Resnetd-Canary`.
  var canary = CanaryChoice.share
  /// Model that the path names; nil for whichever answers.
  var model: ModelReference?

  package init() {}

  /// Throws for a parameter of the query that is unknown, repeated or out of range, and for a header
  /// field with a value that is not allowed.
  ///
  /// - Parameters:
  ///   - names: Names that the query may use.
  ///   - classCount: Number of classes of the model that will probably answer such a choice.
  package init(
    _ head: RequestHead, names: ImageRequestNames = .classification,
    classCount: (CanaryChoice) -> Int
  ) throws(Problem) {
    canary = try CanaryChoice(head.fields)
    let given = head.target.query.map { GivenParameter($0) }
    try names.check(given)
    try read(given, classCount: classCount(canary))
    priority = try Priority(head.fields)
    if let text = try head.fields.single("X-Request-Timeout-Ms") {
      guard let milliseconds = NumberText.wholeNumber(text), 1...3_600_000 ~= milliseconds else {
        throw .parameter(
          "X-Request-Timeout-Ms is a whole number from 1 to 3600000, not \(Quotation.value(text))")
      }
      timeout = .milliseconds(milliseconds)
    }
  }

  /// Returns these with those in a body, which may repeat the query's but not contradict them.
  package func adding(
    _ given: [GivenParameter], classCount: Int
  ) throws(Problem) -> ClassificationParameters {
    guard let place = given.first?.place else { return self }
    var others = ClassificationParameters()
    try Self.checkNames(given)
    try others.read(given, classCount: classCount)
    var sum = self
    sum.topK = try Self.same("top_k", topK, others.topK, place)
    sum.minimumProbability = try Self.same(
      "min_probability", minimumProbability, others.minimumProbability, place)
    sum.features = try Self.same("features", features, others.features, place)
    sum.explanation = try Self.same("explain", explanation, others.explanation, place)
    return sum
  }

  private mutating func read(_ given: [GivenParameter], classCount: Int) throws(Problem) {
    for item in given where !item.isNull {
      if item.name == "top_k" {
        guard let count = item.text.flatMap({ NumberText.wholeNumber($0) }), 1...classCount ~= count
        else { throw Self.topK(classCount, found: item.shown) }
        topK = count
      } else if item.name == "features" {
        guard let wants = Self.switches[item.text ?? ""] else {
          throw .parameter("features is 1, for the features of each image, or 0, not \(item.shown)")
        }
        features = wants
      } else if item.name == "explain" {
        guard let way = item.string.flatMap(Explanation.init(rawValue:)) else {
          throw .parameter(
            "explain is cam, for a class activation map of each class, not \(item.shown)")
        }
        explanation = way
      } else {
        guard let minimum = item.text.flatMap({ NumberText.value($0, as: Float.self) }),
          0...1 ~= minimum
        else {
          throw .parameter(
            "min_probability is a decimal number from 0 to 1, not \(item.shown)"
              + (item.text.flatMap(NumberText.advice) ?? ""))
        }
        minimumProbability = minimum
      }
    }
  }

  private static let switches = ["1": true, "true": true, "0": false, "false": false]

  private static func same<Value: Equatable>(
    _ name: String, _ first: Value?, _ second: Value?, _ place: GivenParameter.Place
  ) throws(Problem) -> Value? {
    guard let first, let second, first != second else { return first ?? second }
    throw .parameter(
      "\(name) is \(first) in the query and \(second) in \(place.name); give it once")
  }

  /// Throws unless a model can answer them.
  func check(_ model: CompiledModel) throws(Problem) {
    try self.model?.check(model)
    if let topK, topK > model.labels.count {
      throw Self.topK(model.labels.count, found: "\(topK)")
    }
    if minimumProbability != nil, !model.output.givesProbabilities {
      throw .parameter(
        "min_probability does not apply: the model's outputs are scores, not probabilities; leave it out"
      )
    }
    if wantsFeatures, case .failure(let fault) = model.featureCount {
      throw .parameter("features=1 does not apply: \(fault); leave it out")
    }
    if explanation == .cam, case .failure(let fault) = model.classActivation {
      throw .parameter("explain=cam does not apply: \(fault); leave it out")
    }
  }

  /// Returns the number of classes that an answer of a model has at most.
  func answeredCount(of model: CompiledModel) -> Int {
    topK ?? min(Self.defaultTopK, model.labels.count)
  }

  private static func topK(_ classCount: Int, found: String) -> Problem {
    .parameter("top_k is a whole number from 1 to \(classCount), not \(found)")
  }
}
