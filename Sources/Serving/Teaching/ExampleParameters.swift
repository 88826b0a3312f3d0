import Checkpoint
import HTTPCore

/// Parameters of a request that brings examples: in its query, or beside the images in its body.
struct ExampleParameters: Sendable, Hashable {
  static let names = ImageRequestNames(
    KnownNames(
      names: ["label", "keep_images"],
      synonyms: [
        "class": "label", "name": "label", "category": "label", "tag": "label",
        "keep": "keep_images", "keep_examples": "keep_images", "store": "keep_images",
      ]),
    taker: "POST /admin/examples takes", kind: "a single value")

  private var label: String?
  private var keepsImages: Bool?

  init(_ query: [RequestTarget.QueryItem]) throws(Problem) {
    try self.init(query.map { GivenParameter($0) })
  }

  private init(_ given: [GivenParameter]) throws(Problem) {
    try Self.names.check(given)
    for item in given where !item.isNull {
      if item.name == "label" {
        guard let string = item.string else {
          throw .parameter(
            "label in \(item.place.name) is a string of at most 64 bytes, not \(item.shown); a longer "
              + "one goes in the query")
        }
        if let fault = Labels.faultOfNew(string) {
          throw .parameter(
            "label: \(fault); it is 1 to \(Labels.labelByteCountLimit) bytes of UTF-8")
        }
        label = string
      } else {
        guard let keeps = ["true": true, "1": true, "false": false, "0": false][item.text ?? ""]
        else { throw .parameter("keep_images is true or false, not \(item.shown)") }
        keepsImages = keeps
      }
    }
  }

  /// Returns these with those in a body, which may repeat the query's but not contradict them.
  func adding(_ given: [GivenParameter]) throws(Problem) -> ExampleParameters {
    let others = try ExampleParameters(given)
    var sum = self
    if let first = label, let second = others.label, first != second {
      throw .parameter(
        "label is \(Quotation.of(first)) in the query and \(Quotation.of(second)) in the body; "
          + "give it once")
    }
    sum.label = label ?? others.label
    sum.keepsImages = keepsImages ?? others.keepsImages
    return sum
  }

  /// The label and whether to keep the images; throws without a label.
  func complete() throws(Problem) -> (label: String, keepsImages: Bool) {
    guard let label else {
      throw .parameter(
        "label is missing: name the class of the images, as in POST /admin/examples?label=cat")
    }
    return (label, keepsImages ?? false)
  }
}

/// Choice of the examples to remove.
enum ExampleRemoval: Sendable, Hashable {
  case label(String)
  case all

  init(_ query: [RequestTarget.QueryItem]) throws(Problem) {
    let values = Dictionary(query.map { ($0.name, $0.value) }) { first, _ in first }
    switch (values["label"], values["all"]) {
    case (let label?, nil): self = .label(label)
    case (nil, "true"): self = .all
    default:
      throw .parameter(
        "name the examples to remove by label=NAME, or all of them by all=true, not both")
    }
  }
}

/// Parameters of the order to teach.
struct TeachParameters: Sendable, Hashable {
  static let names = ["keep_classes", "name", "dry_run", "minimum_accuracy"]
  /// Least share of the examples that must be answered rightly by cross-validation, where the order
  /// gives none; more where chance alone would reach it.
  static let usualMinimumAccuracy = 0.1

  /// Whether the model still knows the classes that it knew before.
  private(set) var keepsClasses = true
  private(set) var dryRun = false
  /// Name of the model; nil for that of the live one with an ending.
  private(set) var name: String?
  /// Share of the examples that must be answered rightly by cross-validation; nil for the usual one.
  private(set) var minimumAccuracy: Double?

  /// Throws if that many of the examples are too few.
  ///
  /// - Parameters:
  ///   - accuracy: Nil if there are too few examples to tell.
  ///   - classCount: Classes that the model answers.
  func check(accuracy: Double?, of judgedCount: Int, classCount: Int) throws(Problem) {
    guard let accuracy else { return }
    let chance = 1 / Double(max(1, classCount))
    let isEnough =
      minimumAccuracy.map { accuracy >= $0 }
      ?? (accuracy >= Self.usualMinimumAccuracy && accuracy > chance)
    guard !isEnough else { return }
    let wanted =
      minimumAccuracy.map { "minimum_accuracy is \($0)" }
      ?? "\(Self.usualMinimumAccuracy), and more than the \(chance) of chance, are wanted"
    throw Problem(
      422, .accuracyTooLow,
      "\(Int((accuracy * Double(judgedCount)).rounded())) of \(judgedCount) examples are answered "
        + "rightly by layers that were learned without them, a share of \(accuracy); \(wanted). See "
        + "whether the examples show their labels and look like each other, and send more of them; "
        + "minimum_accuracy=0 makes the model live all the same")
  }

  init(_ query: [RequestTarget.QueryItem]) throws(Problem) {
    for item in query {
      if item.name == "minimum_accuracy" {
        guard let share = NumberText.value(item.value, as: Double.self), 0...1 ~= share else {
          throw .parameter(
            "minimum_accuracy is a number from 0 to 1, not \(Quotation.value(item.value))")
        }
        minimumAccuracy = share
        continue
      }
      if item.name == "name" {
        guard 1...Model.nameByteCountLimit ~= item.value.utf8.count,
          item.value.unicodeScalars.allSatisfy({ Model.isAllowed($0) })
        else {
          throw .parameter(
            "name is 1 to \(Model.nameByteCountLimit) of A-Z a-z 0-9 . _ - + @, not "
              + Quotation.value(item.value))
        }
        name = item.value
        continue
      }
      guard item.value == "true" || item.value == "false" else {
        throw .parameter("\(item.name) is true or false, not \(Quotation.value(item.value))")
      }
      if item.name == "keep_classes" { keepsClasses = item.value == "true" }
      if item.name == "dry_run" { dryRun = item.value == "true" }
    }
  }

  /// Name of the action in the audit.
  var action: String { dryRun ? "teach dry run" : "teach" }
}
