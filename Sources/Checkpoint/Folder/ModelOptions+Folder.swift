import ResNet

extension ModelOptions {
  /// Takes what lies beside the weights for everything that nobody chose.
  ///
  /// Returns sentences on what was taken from where.
  mutating func take(_ facts: FolderFacts) -> [String] {
    var notes: [String] = []
    if labels == nil, let own = facts.labels {
      labels = own
      notes.append(facts.labelsNote)
    }
    if activation == nil, output == nil, let own = facts.activation {
      activation = own
      notes.append("outputs are those of \(ModelFolder.config), problem_type")
    }
    if preprocessing == nil, let own = facts.preprocessing {
      preprocessing = own
      notes.append(facts.preprocessingNote)
    }
    if !facts.variant.isEmpty {
      let own = variant
      variant = facts.variant
      variant.take(own)
      let unusual = facts.variant.differences(from: .usual).text
      if !unusual.isEmpty {
        notes.append("the network's variant is that of \(ModelFolder.config): \(unusual)")
      }
    }
    return notes
  }

  /// Takes the labels that a checkpoint holds, if they are as many as the network's classes.
  mutating func take(
    _ classes: (labels: [String], source: String)?, _ classCount: Int, warnings: inout [String]
  ) {
    guard labels == nil, let classes else { return }
    guard classes.labels.count == classCount else {
      let found = "\(classes.source) has \(classes.labels.count) labels"
      unfitLabels = found
      warnings.append("\(found), the network \(classCount) classes: they are not used")
      return
    }
    labels = classes.labels
    warnings.append("labels are those of the file's \(classes.source)")
  }
}
