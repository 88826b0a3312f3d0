import Checkpoint
import Decoding
import Engine
import Glibc
import Imaging
import Inference
import ResNet

/// Settings of `resnetd train`.
struct TrainSettings: DecodingSettings {
  /// Parameters of a network that are learned.
  enum Tuning: Sendable, Equatable {
    /// What suits the number of images and the time.
    case auto
    /// A new last layer, on features that the rest of the network gives as it is.
    case head
    /// So many stages, and a new last layer.
    case last(Int)
    case all
  }

  enum OptimizerChoice: String, CaseIterable, Sendable { case sgd, adamw }

  enum ScheduleChoice: String, CaseIterable, Sendable {
    case oneCycle = "one-cycle"
    case cosine
  }

  /// Numbers that layers are trained in.
  enum TrainingPrecision: String, CaseIterable, Sendable {
    case fp32, bf16

    var precision: Precision { self == .bf16 ? .bf16 : .fp32 }
  }

  /// Way of letting each class weigh the same.
  enum Balancing: String, CaseIterable, Sendable {
    /// Images of rare classes count more in the loss.
    case weights
    /// Images of rare classes are seen more often.
    case sampling
  }

  /// Meaning of several classes.
  enum Labelling: String, CaseIterable, Sendable {
    /// An image has one class of all.
    case softmax
    /// An image may have several labels, or none.
    case sigmoid
  }

  var output: String?
  var list: String?
  var labelSeparator: String?
  var from: String?
  var parts = ModelParts()
  var tuning = Tuning.auto
  var time: Duration?
  var epochCount: Int?
  var batchImageCount: Int?
  var rate: Double?
  var weightDecay: Double?
  var optimizer = OptimizerChoice.sgd
  var schedule = ScheduleChoice.oneCycle
  var precision = TrainingPrecision.fp32
  var normLimit: Double?
  var averageDecay: Double?
  var augmentation = AugmentationChoice.auto
  var mixupAlpha: Double?
  var labelling = Labelling.softmax
  var negatives: String?
  var regularization: Double?
  var smoothing: Float = 0
  var balances = false
  var balancing: Balancing?
  var heldOutShare: Float = 0.2
  var grouping: GroupPattern?
  var seed = 0
  var jobs: Int?
  var report: String?
  var resumes = false
  var force = false
  var json = false
  var head = HeadOptions()
  var findsRate = false
  var push: PushAddress?
  var tokenFile: String?
  /// Share of the requests that the pushed model answers as a canary.
  var canary: String?
  var decoders = DecoderSettings()
  var decoding = DecodingLimits()

  /// Network of the table that is trained from scratch: named without a file to begin with.
  var freshArchitecture: Architecture? {
    from == nil ? parts.variant.flatMap { Architecture.named($0) } : nil
  }

  /// Whether an image may have several labels, or none.
  var hasIndependentLabels: Bool { labelling == .sigmoid }

  /// Meaning of the outputs before a temperature is known.
  var outputRule: OutputRule {
    OutputRule(activation: hasIndependentLabels ? .sigmoid : .softmax)
  }

  /// Whether each class weighs the same.
  var isBalanced: Bool { balances || balancing != nil }

  /// Whether that is so because rare classes are seen more often.
  var samplesEvenly: Bool { balancing == .sampling }

  /// The first option that only the training of layers has.
  var layerOption: String? {
    let options: [(String, Bool)] = [
      ("--find-rate", findsRate), ("--resume", resumes), ("--time", time != nil),
      ("--epochs", epochCount != nil),
      ("--batch", batchImageCount != nil), ("--learning-rate", rate != nil),
      ("--weight-decay", weightDecay != nil), ("--optimizer", optimizer != .sgd),
      ("--schedule", schedule != .oneCycle), ("--precision", precision != .fp32),
      ("--clip-norm", normLimit != nil),
      ("--average", averageDecay != nil),
      ("--augment", augmentation != .auto && head.viewCount == nil),
      ("--mixup", mixupAlpha != nil), ("--balance-by sampling", samplesEvenly),
    ]
    return options.first { $0.1 }?.0
  }

  var lastCount: Int? { if case .last(let count) = tuning { count } else { nil } }

  /// Files that the training writes.
  var files: TrainedFiles { TrainedFiles(model: output ?? "", report: report) }

  /// Throws if an option would do nothing, or something else than it says.
  func check() throws(UsageError) {
    guard let output else {
      throw UsageError("--output is needed: name the model file to write")
    }
    try WrittenFile.check(
      output, "--output", holds: .safetensors,
      onnxRemedy: "`resnetd convert --to onnx` makes an ONNX file of it")
    guard heldOutShare <= 0.9 else {
      throw UsageError("--held-out is from 0 to 0.9, so that something is left to learn from")
    }
    guard smoothing < 1 else {
      throw UsageError("--label-smoothing is from 0 to below 1; 0.1 is usual")
    }
    if tokenFile != nil, push == nil {
      throw UsageError(
        "--admin-token-file is for the server of --push: give --push with its address, or leave it out"
      )
    }
    if time != nil, epochCount != nil {
      throw UsageError("--time decides the number of epochs: give it or --epochs, not both")
    }
    if let architecture = parts.variant, freshArchitecture != nil {
      switch tuning {
      case .auto, .all: break
      case .head, .last:
        throw UsageError(
          "--arch \(architecture) without --from is a network from scratch, all of whose layers must be "
            + "trained: name a trained network by --from, or leave out --tune")
      }
    }
    if tuning == .head, let option = layerOption {
      throw UsageError(
        "\(option) is for the training of layers, and --tune head trains none but the last: give "
          + "--tune all or last:N, or leave it out")
    }
    try checkPush()
    try checkHead()
    try checkSearch()
    try checkLabels()
    try checkList()
  }

  private func checkPush() throws(UsageError) {
    guard let canary else { return }
    guard push != nil else {
      throw UsageError("--canary is for the server of --push: give that too, or leave it out")
    }
    _ = try ModelSettings.percent(canary, "--canary")
  }

  /// Throws if a list is to be read in a way that it cannot.
  private func checkList() throws(UsageError) {
    guard let labelSeparator else { return }
    guard list != nil else {
      throw UsageError(
        "--label-separator is for the labels in a list: give --list, or leave it out")
    }
    guard hasIndependentLabels else {
      throw UsageError(
        "--label-separator: where each image has one class, its field is one name; give "
          + "--activation sigmoid if images may have several, or leave it out")
    }
    guard !labelSeparator.isEmpty else {
      throw UsageError("--label-separator is empty; give what is between two labels, such as '|'")
    }
  }

  /// Throws if something is asked of a new last layer by itself that the training of layers has not.
  private func checkHead() throws(UsageError) {
    guard let option = head.soleOption else { return }
    guard tuning == .auto || tuning == .head, freshArchitecture == nil else {
      throw UsageError(
        "\(option) is for a new last layer by itself: give --tune head, or leave it out")
    }
    if let other = layerOption {
      throw UsageError(
        "\(option) is for a new last layer by itself, and \(other) for the training of layers: leave "
          + "out one of them")
    }
    if let cache = head.cache, head.place == .memory {
      throw UsageError(
        "--cache \(cache) keeps features on disk, and --features memory has none there: leave out one "
          + "of them")
    }
    if head.viewCount != nil, augmentation.isNone {
      throw UsageError(
        "--views are of images that --augment changes, and --augment none changes nothing: leave out "
          + "one of them")
    }
  }

  /// Throws if independent labels are asked for what only classes have, or the reverse.
  private func checkLabels() throws(UsageError) {
    guard hasIndependentLabels else {
      guard let negatives else { return }
      throw UsageError(
        "--negatives \(negatives): where each image has one class, \(negatives) is a class like any "
          + "other; give --activation sigmoid with it, or leave it out")
    }
    let options = [
      ("--label-smoothing", smoothing > 0), ("--balance", balances),
      ("--balance-by", balancing != nil),
    ]
    for (option, isGiven) in options where isGiven {
      throw UsageError(
        "\(option) is for classes of which an image has one: with --activation sigmoid each label has "
          + "a probability of its own, which it would make wrong; leave it out")
    }
  }

  /// Throws if something is asked of a search for a rate that it does not do.
  private func checkSearch() throws(UsageError) {
    guard findsRate else { return }
    guard rate == nil else {
      throw UsageError("--find-rate looks for the rate: leave out --learning-rate")
    }
    for (option, isGiven) in [("--resume", resumes), ("--push", push != nil)] where isGiven {
      throw UsageError(
        "--find-rate only looks for a rate and makes no model: leave out \(option) until it has "
          + "suggested one")
    }
  }
}
