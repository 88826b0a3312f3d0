import Imaging

/// The parts of a model besides its network, each from the options, else from the file's document,
/// else what is usual, which is noted as assumed.
struct LoadedParts {
  private let options: ModelOptions
  private let document: ModelDocument?
  /// Mean and deviation that the file holds among its tensors, for a contract that it does not name.
  var normalization: StoredNormalization?
  /// What the network itself says of its outputs.
  var ending = NetworkEnding.open
  private(set) var assumptions: [String] = []
  /// Whether one of them is what the outputs mean.
  private(set) var assumesActivation = false

  init(_ options: ModelOptions, _ document: ModelDocument?) {
    (self.options, self.document) = (options, document)
  }

  /// Puts them together for a network with so many outputs.
  ///
  /// - Parameter usualContract: The contract of files that say nothing; called only for those.
  mutating func contents(
    outputCount: Int, _ warnings: inout [String],
    usualContract: () throws(CheckpointError) -> Preprocessing
  ) throws(CheckpointError) -> Model.Contents {
    let output = try output(outputCount: outputCount, &warnings)
    return Model.Contents(
      labels: try labels(output, outputCount: outputCount, &warnings),
      preprocessing: try preprocessing(&warnings, usualContract), output: output,
      provenance: document?.provenance)
  }

  private mutating func output(
    outputCount: Int, _ warnings: inout [String]
  ) throws(CheckpointError) -> OutputRule {
    let inherited =
      document == nil && options.labels == options.completion?.labels
      ? options.completion?.output : nil
    var rule = options.output ?? document?.output ?? OutputRule()
    // A temperature and a threshold were fitted to the other model's weights.
    if let inherited { rule.displayNames = inherited.displayNames }
    let stated = options.activation ?? options.output?.activation ?? document?.output?.activation
    if let stated, let activation = ending.activation, stated != activation {
      throw .metadata(
        reason: "the graph ends in \(activation.rawValue), and the activation given is "
          + "\(stated.rawValue); leave it out, or remove the last operation from the graph")
    }
    if let known = stated ?? ending.activation ?? inherited?.activation {
      if known != rule.activation, rule.temperature != 1 || rule.threshold != nil {
        warnings.append(
          "its temperature and threshold are left out: they hold for its own activation, "
            + rule.activation.rawValue)
        (rule.temperature, rule.threshold) = (1, nil)
      }
      rule.activation = known
    } else if ending == .embedding {
      rule.activation = .none
      assumptions.append("the outputs are an embedding (activation none)")
    } else if outputCount == 1, !ending.isOfProbabilities {
      guard options.numbersClasses else { throw .singleOutput }
      rule.activation = .none
      assumptions.append("the output is a score (activation none)")
    } else if document == nil, case .function(let what, let isOfProbabilities) = ending {
      guard options.numbersClasses else {
        throw .unclearOutputs(what, onlyScores: isOfProbabilities)
      }
      rule.activation = .none
      assumptions.append("the outputs are scores (activation none), for the graph ends in \(what)")
    } else if document == nil {
      assumesActivation = true
      assumptions.append(
        "the outputs are logits of mutually exclusive classes (activation softmax)")
    }
    if case .function(let what, isOfProbabilities: true) = ending, rule.activation != .none {
      throw .unclearOutputs(what, onlyScores: true)
    }
    return rule
  }

  private mutating func preprocessing(
    _ warnings: inout [String], _ usualContract: () throws(CheckpointError) -> Preprocessing
  ) throws(CheckpointError) -> Preprocessing {
    if let given = options.preprocessing ?? document?.preprocessing { return given }
    var usual = try usualContract()
    if let own = normalization {
      warnings.append(
        "mean \(own.mean) and std \(own.std) of the preprocessing are those of its tensor \(own.name)"
          + (own.isReversed
            ? "; they are ImageNet's for blue, green and red, so images are taken in this order"
            : "")
      )
      usual = try usual.with(own)
    }
    assumptions.append("images are prepared \(usual.summary)")
    return usual
  }

  /// Returns the given labels, else the file's, else numbers if these are allowed.
  private func labels(
    _ output: OutputRule, outputCount: Int, _ warnings: inout [String]
  ) throws(CheckpointError) -> [String] {
    if let labels = options.labels ?? document?.labels {
      // Another model's labels are for as many classes only.
      if labels == options.completion?.labels,
        !output.fits(labelCount: labels.count, outputCount: outputCount)
      {
        throw .labelsOfAnother(count: labels.count, classCount: outputCount)
      }
      return labels
    }
    guard options.numbersClasses || ending == .embedding else {
      throw .labelsMissing(classCount: outputCount, found: options.unfitLabels)
    }
    let what = ending == .embedding ? "outputs" : "classes"
    warnings.append("the file contains no labels, so the \(what) are numbered")
    return (0..<outputCount).map(String.init)
  }
}

extension Preprocessing {
  /// Returns the same contract with another mean and deviation.
  fileprivate func with(_ own: StoredNormalization) throws(CheckpointError) -> Preprocessing {
    do {
      return try Preprocessing(
        resize: resize, crop: crop, channelOrder: own.isReversed ? .bgr : channelOrder,
        mean: own.mean, std: own.std,
        policies: policies, exact: exact)
    } catch {
      throw .contract(source: "tensor \(own.name)", reason: error.description)
    }
  }

  /// The contract in a few words, for people.
  fileprivate var summary: String {
    let (height, width) = outputSize
    let resize =
      switch resize {
      case .none: "unscaled"
      case .shorterSide(let size, let filter):
        "with the shorter side at \(size) (\(filter.rawValue))"
      case .exact(_, _, let filter), .letterbox(_, _, let filter, _):
        "by \(filter.rawValue) scaling"
      }
    return
      "as \(height)x\(width) \(channelOrder.rawValue) pixels, \(resize), mean \(mean), std \(std)"
  }
}
