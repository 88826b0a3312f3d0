/// What a network's own graph says of the meaning of its outputs.
enum NetworkEnding: Hashable {
  /// They are sums of products, as logits are; nothing says more.
  case open
  /// They are numbers by which images are compared, as a network's kind says.
  case embedding
  /// The graph makes probabilities of them, which is left to the answer.
  case activation(OutputRule.Activation)
  /// They are the results of something that does not make logits, which `what` names after "the graph
  /// ends in"; if they are from 0 to 1 or computed of such numbers, no activation but `none` is right.
  case function(String, isOfProbabilities: Bool)

  /// Activation that the graph has, if it has one.
  var activation: OutputRule.Activation? {
    if case .activation(let activation) = self { activation } else { nil }
  }

  /// Whether the outputs are numbers that an activation would be wrong for.
  var isOfProbabilities: Bool {
    if case .function(_, isOfProbabilities: true) = self { true } else { false }
  }
}
