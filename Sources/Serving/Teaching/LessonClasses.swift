import Checkpoint
import ModelStore

/// Classes of the model that a lesson makes.
struct LessonClasses {
  /// Labels of all classes; those that the model knew come first.
  let labels: [String]
  /// Classes of the examples, by label.
  let numbers: [String: Int]
  let newLabels: [String]
  /// Labels that were taught before, and of which there are no examples any more.
  let removedLabels: [String]

  private static let exampleCountMinimum = 2

  /// Throws if the examples are not enough, or not of this network.
  init(
    _ summary: ExampleStore.Summary, _ source: ExampleSource, of parent: Model, keepsClasses: Bool
  ) throws(Problem) {
    guard let known = summary.source else {
      throw Problem(
        409, .tooFewExamples,
        "there are no examples; send some by POST /admin/examples?label=NAME")
    }
    guard known == source else {
      throw Problem(
        409, .examplesOfAnother,
        "the examples have features of another network, contract or precision than the live "
          + "model's; send their images again after DELETE /admin/examples?all=true")
    }
    if let few = summary.labels.first(where: { $0.count < Self.exampleCountMinimum }) {
      throw Problem(
        409, .tooFewExamples,
        "\(Quotation.of(few.label)) has \(few.count) example, each label needs "
          + "\(Self.exampleCountMinimum) or more; send further ones, or remove the label")
    }
    guard keepsClasses else {
      guard summary.labels.count > 1 else {
        throw Problem(
          409, .tooFewExamples,
          "the examples have one label, and a model without the classes it knew needs two or more")
      }
      labels = summary.labels.map(\.label)
      let taught = summary.labels.map(\.label)
      newLabels = taught
      removedLabels =
        parent.formerHead?.classCount == 0 ? parent.labels.filter { !taught.contains($0) } : []
      numbers = Dictionary(uniqueKeysWithValues: labels.enumerated().map { ($1, $0) })
      return
    }
    guard parent.output.activation == .softmax else {
      throw Problem(
        409, .unteachable,
        "the outputs of \(parent.name) are not one class of all (softmax), so that no class can be "
          + "added; teach it with keep_classes=false")
    }
    var places: [String: Int] = [:]
    // Labels may be given twice in a file; the first is meant.
    let before = Array(parent.labels.prefix(parent.formerHead?.classCount ?? parent.labels.count))
    for (index, label) in before.enumerated() where places[label] == nil { places[label] = index }
    let taught = summary.labels.map(\.label).filter { places[$0] == nil }
    newLabels = taught
    // People see display names, so that they take one for the label.
    for (known, name) in parent.output.displayNames.sorted(by: { $0.key < $1.key })
    where taught.contains(name) {
      throw Problem(
        409, .unteachable,
        "\(Quotation.of(name)) is what the model calls its class \(Quotation.of(known)): send the "
          + "examples with label=\(known), or under another name, and remove these by DELETE "
          + "/admin/examples?label=\(name)")
    }
    removedLabels = parent.labels[before.count...].filter { !taught.contains($0) }
    labels = before + taught
    for (offset, label) in taught.enumerated() { places[label] = before.count + offset }
    numbers = places
  }
}
