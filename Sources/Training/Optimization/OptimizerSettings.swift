/// Way of changing parameters by their gradients.
package struct OptimizerSettings: Sendable {
  package enum Method: Sendable, Hashable {
    /// torch.optim.SGD without dampening.
    case momentum(Double, isNesterov: Bool)
    /// torch.optim.AdamW.
    case adamW(firstDecay: Double, secondDecay: Double, epsilon: Double)

    package static let adamW = Method.adamW(firstDecay: 0.9, secondDecay: 0.999, epsilon: 1e-8)

    /// Numbers that are kept for each parameter: names in a snapshot.
    var momentNames: [String] {
      switch self {
      case .momentum: ["momentum"]
      case .adamW: ["first_moment", "second_moment"]
      }
    }
  }

  package var method: Method
  /// Decay of weights; scales and shifts of normalisations, and biases, do not decay unless
  /// `decaysAll`.
  package var weightDecay: Double
  package var decaysAll = false
  /// Largest norm of all gradients together, as torch.nn.utils.clip_grad_norm_ has it; nil for any.
  package var gradientNormLimit: Double?
  /// Share of the old in the running average of the parameters; nil for none.
  package var averageDecay: Double?
  /// Factors of the learning rate by the beginning of a parameter's name (`layer1.`); the longest
  /// that fits counts. Parameters with 0 remain as they are.
  package var rateFactors: [String: Double] = [:]

  /// Numbers that are kept for each parameter: moments and the average.
  package var blockCount: Int { method.momentNames.count + (averageDecay == nil ? 0 : 1) }

  package init(_ method: Method, weightDecay: Double) {
    self.method = method
    self.weightDecay = weightDecay
  }

  func rateFactor(of name: String) -> Double {
    let fitting = rateFactors.keys.filter(name.hasPrefix)
    return fitting.max { $0.utf8.count < $1.utf8.count }.flatMap { rateFactors[$0] } ?? 1
  }

  /// Throws for numbers outside of their ranges.
  func validate() throws(TrainingError) {
    func check(
      _ what: String, _ value: Double, _ isAllowed: Bool, _ allowed: String
    ) throws(TrainingError) {
      guard isAllowed else { throw .invalid("\(what) is \(value); allowed are \(allowed)") }
    }
    func checkShare(_ what: String, _ value: Double) throws(TrainingError) {
      try check(what, value, value >= 0 && value < 1, "numbers from 0 to below 1")
    }
    switch method {
    case .momentum(let momentum, let isNesterov):
      try checkShare("momentum", momentum)
      try check("momentum", momentum, !isNesterov || momentum > 0, "numbers above 0 for Nesterov's")
    case .adamW(let firstDecay, let secondDecay, let epsilon):
      try checkShare("decay of the first moment", firstDecay)
      try checkShare("decay of the second moment", secondDecay)
      try check("epsilon", epsilon, epsilon > 0 && epsilon.isFinite, "numbers above 0")
    }
    try check("weight decay", weightDecay, weightDecay >= 0 && weightDecay.isFinite, "0 and above")
    if let limit = gradientNormLimit {
      try check("limit of the gradients' norm", limit, limit > 0, "numbers above 0")
    }
    if let decay = averageDecay { try checkShare("decay of the average", decay) }
    for (name, factor) in rateFactors {
      try check(
        "factor of the rate of \(name.prefix(80))", factor, factor >= 0 && factor.isFinite,
        "0 and above")
    }
  }
}
