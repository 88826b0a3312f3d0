import Words

/// What a network's outputs mean, and how an answer is made of them: part of a model's contract.
///
/// JSON form, every key optional:
///
///     {"activation": "softmax", "temperature": 1, "threshold": 0.5,
///      "display_names": {"n02123045": "tabby cat"}}
package struct OutputRule: Sendable, Hashable {
  /// Function from outputs to the numbers of an answer; the names are those of Hugging Face's
  /// `function_to_apply`.
  package enum Activation: String, Sendable, Hashable, Codable, CaseIterable {
    /// One class of all: probabilities that sum to 1.
    case softmax
    /// Independent labels: each has a probability of its own. A single output with two labels is
    /// the probability of the second.
    case sigmoid
    /// The outputs are scores or regressed values and are answered as they are.
    case none
  }

  package var activation = Activation.softmax
  /// Number that the outputs are divided by before the activation (Guo et al. 2017); above 0.
  package var temperature: Float = 1
  /// Probability below which the best class is answered as unsure, 0 to 1; nil for never.
  package var threshold: Float?
  /// Names of classes for people, by label.
  package var displayNames: [String: String] = [:]

  /// The rule of a model that says nothing.
  package init() {}

  package init(activation: Activation) { self.activation = activation }

  /// Whether the numbers of an answer are probabilities.
  package var givesProbabilities: Bool { activation != .none }

  /// Returns whether a network with so many outputs can have these labels.
  package func fits(labelCount: Int, outputCount: Int) -> Bool {
    labelCount == outputCount || (outputCount == 1 && labelCount == 2 && activation == .sigmoid)
  }

  /// Returns the fault of the rule for these labels, in words for the author of the model file.
  func fault(labels: [String]) -> String? {
    guard temperature.isFinite, temperature > 0, (1 / temperature).isFinite else {
      return "temperature is \(temperature), it must be above 0"
    }
    if activation == .none, temperature != 1 || threshold != nil {
      return "temperature and threshold are for probabilities, and activation none gives scores"
    }
    if let threshold, !(0...1 ~= threshold) {
      return "threshold is \(threshold), allowed is 0 to 1"
    }
    guard !displayNames.isEmpty else { return nil }
    let known = Set(labels)
    for (label, name) in displayNames.sorted(by: { $0.key < $1.key }) {
      guard known.contains(label) else {
        return "display_names has \"\(label.prefix(40))\", which is not a label of the model"
      }
      if let fault = Labels.fault(in: name) {
        return "display_names: \"\(label.prefix(40))\": \(fault)"
      }
    }
    return nil
  }
}

extension OutputRule {
  /// Its keys in a document.
  static let keys = CodingKeys.allCases.map(\.stringValue)
}

extension OutputRule: Codable {
  fileprivate enum CodingKeys: String, CodingKey, CaseIterable {
    case activation, temperature, threshold
    case displayNames = "display_names"
  }

  /// A key as it stands in a document, known or not.
  private struct AnyKey: CodingKey {
    let stringValue: String
    let intValue: Int? = nil
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  package init(from decoder: any Decoder) throws {
    let known = CodingKeys.allCases.map(\.stringValue)
    for key in try decoder.container(keyedBy: AnyKey.self).allKeys
    where !known.contains(key.stringValue) {
      let meant =
        Suggestion.nearest(to: key.stringValue, among: known).map { " (did you mean \($0)?)" } ?? ""
      throw Self.fault(
        decoder,
        "\"\(key.stringValue.prefix(40))\" is unknown\(meant); keys are "
          + known.joined(separator: ", "))
    }
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self.init()
    if let text = try container.decodeIfPresent(String.self, forKey: .activation) {
      guard let activation = Activation(rawValue: text) else {
        throw Self.fault(
          decoder, "activation is \"\(text.prefix(40))\"; allowed are \(Activation.allowed)")
      }
      self.activation = activation
    }
    temperature = try container.decodeIfPresent(Float.self, forKey: .temperature) ?? temperature
    threshold = try container.decodeIfPresent(Float.self, forKey: .threshold)
    displayNames =
      try container.decodeIfPresent([String: String].self, forKey: .displayNames) ?? [:]
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(activation, forKey: .activation)
    if temperature != 1 { try container.encode(temperature, forKey: .temperature) }
    try container.encodeIfPresent(threshold, forKey: .threshold)
    if !displayNames.isEmpty { try container.encode(displayNames, forKey: .displayNames) }
  }

  private static func fault(_ decoder: any Decoder, _ reason: String) -> DecodingError {
    .dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: reason))
  }
}

extension OutputRule.Activation {
  /// The valid values, for messages.
  package static let allowed = allCases.map(\.rawValue).joined(separator: ", ")
}
