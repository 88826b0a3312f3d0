import Checkpoint
import Glibc
import JSON
import Telemetry
import Training

/// What training did, for a terminal, as JSON and as a page.
struct TrainingReport {
  let trained: TrainingResult
  let folder: TrainingFolder
  let files: TrainedFiles
  /// When it was made, as ISO 8601 has it.
  private let date = Timestamp.now.iso8601 + "Z"
  /// Answers for images that were not learned from; nil if there were none.
  let evaluation: EvaluationReport?
  /// The same for independent labels.
  let labelEvaluation: LabelReport?

  init(_ trained: TrainingResult, folder: TrainingFolder, files: TrainedFiles) {
    (self.trained, self.folder, self.files) = (trained, folder, files)
    let source =
      trained.judgement?.isCrossValidated == true ? "images left out in turn" : "images held out"
    evaluation = trained.judgement.flatMap { judgement in
      guard judgement.tally.imageCount > 0 else { return nil }
      return EvaluationReport(
        of: trained.model, judgement.tally, source: source, duration: trained.duration)
    }
    labelEvaluation = trained.judgement?.labels.flatMap { tally in
      tally.imageCount > 0
        ? LabelReport(tally: tally, labels: folder.classes, source: source) : nil
    }
  }

  /// Version of the model.
  var version: ModelVersion { trained.model.version }

  /// Paths of the images that a page shows.
  var shownPaths: [String] {
    trained.doubts.map(\.path)
      + (labelEvaluation?.tally.surestMistakes.map(\.path) ?? [])
      + (evaluation?.parts[0].tally.mistakes.map(\.path) ?? [])
  }

  /// Returns a number with three significant digits.
  static func number(_ value: Double) -> String {
    guard value > 0, value.isFinite else { return String(value) }
    guard value >= 1e-3 else {
      let exponent = Int(log10(value).rounded(.down))
      return "\(number(value / pow(10, Double(exponent))))e\(exponent)"
    }
    let digits = max(0, 2 - Int(log10(value).rounded(.down)))
    let text = Decimal.text(value, digits: min(digits, 12))
    guard text.contains(".") else { return text }
    let short = text.reversed().drop { $0 == "0" }.drop { $0 == "." }
    return String(short.reversed())
  }

  /// Rows of a name and a value, shared by the terminal and the page.
  var facts: [[String]] {
    let (split, fit) = (trained.split, trained.fit)
    var rows = [
      ["model", "\(trained.model.name) \(trained.model.version.short)"],
      [
        trained.split.hasIndependentLabels ? "independent labels" : "classes",
        Decimal.grouped(folder.classes.count),
      ],
      [
        "learned from",
        "\(Decimal.grouped(split.learned.count)) images"
          + (trained.viewCount > 0
            ? ", and \(Decimal.grouped(trained.viewCount)) views of each" : ""),
      ],
    ]
    if !split.heldOut.isEmpty {
      rows.append(["held out", "\(Decimal.grouped(split.heldOut.count)) images"])
    }
    let failureCount = trained.survey.failures.count
    if failureCount > 0 {
      let images = "\(Decimal.grouped(failureCount)) image\(failureCount == 1 ? "" : "s")"
      rows.append(["left out", "\(images) that cannot be read or decoded"])
    }
    if let fit {
      rows += [
        [
          "features",
          "\(trained.featureCount) of \(trained.parentName)"
            + (trained.reusedCount.map { ", on disk, \(Decimal.grouped($0)) images from there" }
              ?? ""),
        ]
      ]
      if let hidden = fit.layers.hidden {
        rows.append(["layer before the last", "\(Decimal.grouped(hidden.classCount)) units"])
      }
      rows += [
        [
          "regularisation",
          Self.number(fit.regularization)
            + (fit.isGiven
              ? ", as given"
              : fit.trials.isEmpty
                ? ", because nothing can be judged"
                : ", best of \(fit.trials.count) by cross-validation"),
        ],
        [
          "fitted",
          fit.solver == .sgd
            ? "in \(Decimal.grouped(fit.iterationCount)) steps of SGD"
            : "in \(fit.iterationCount) iterations"
              + (fit.isConverged == false ? ", which were not enough to converge" : ""),
        ],
      ]
    }
    if let preview = trained.preview {
      rows.append(["ridge regression alone", preview.text(split)])
    }
    if let course = trained.course {
      rows += [
        [
          "epochs",
          "\(course.epochs.count) of \(course.epochCount), \(course.stepsPerEpoch) steps each",
        ],
        [
          "new last layer alone",
          course.first?.heldOutAccuracy.map {
            EvaluationReport.percent($0) + (split.hasIndependentLabels ? " of labels right" : "")
          } ?? "-",
        ],
        ["best epoch", course.best.map { bestEpoch($0, course) } ?? "the last"],
        ["speed", "\(Int(course.speed)) images/s"],
      ]
    }
    if trained.model.output.temperature != 1 {
      rows.append(["temperature", Self.number(Double(trained.model.output.temperature))])
    }
    if let evaluation {
      let tally = evaluation.parts[0].tally
      rows += [
        [
          trained.judgement?.isCrossValidated == true ? "top-1, cross-validated" : "top-1",
          "\(EvaluationReport.percent(tally.top1.value)) (95 % interval "
            + "\(EvaluationReport.interval(tally.top1)))",
        ],
        ["mean recall of the classes", EvaluationReport.percent(evaluation.parts[0].meanRecall)],
        ["calibration error", EvaluationReport.percent(tally.bins.expectedError)],
      ]
    } else if let labelEvaluation {
      rows += labelEvaluation.facts
    } else {
      rows.append(["accuracy", "not known: no images to judge by"])
    }
    if let frames = trained.frames { rows.append(["centre crop", frames.text]) }
    rows.append(["int8", trained.int8.text])
    rows.append(["time", "\(Decimal.text(trained.duration / .seconds(1), digits: 1)) s"])
    return rows
  }

  /// Rows about the run itself.
  var origin: [[String]] {
    [
      ["made", date], ["by", "resnetd \(Version.number)"],
      ["command", ProgramArguments.commandLine],
    ]
  }

  /// Sentences about what was found in the images.
  var notes: [String] {
    folder.notes + trained.split.notes + [trained.frames?.warning].compactMap(\.self)
  }

  private func bestEpoch(_ best: CourseRecord.Epoch, _ course: CourseRecord) -> String {
    switch best.number {
    case 0: "none: the new last layer alone has less log loss on the images held out"
    case course.epochs.count + 1: "the average of the parameters over steps"
    default: "\(best.number)"
    }
  }

  /// The report for a terminal.
  var text: String {
    var blocks = [TextTable(rows: facts).text]
    if !trained.doubts.isEmpty {
      let rows = trained.doubts.prefix(8).map { doubt in
        [
          PlainText.line(doubt.path), folder.classes[doubt.label],
          "looks like \(folder.classes[doubt.suggestion])",
          EvaluationReport.percent(Double(doubt.confidence)),
        ]
      }
      blocks.append("labels to look at again\n" + TextTable(rows: Array(rows)).text)
    }
    if let warning = trained.frames?.warning { blocks.append(warning) }
    let last =
      trained.last.map { _ in
        "\n         \(files.last), as it was at the end; the other is the best"
      }
      ?? ""
    blocks.append(
      "written: \(files.model)\(last)\n         \(files.page)\n"
        + "serve it: resnetd serve --model \(ShellWord.of(files.model))")
    return blocks.joined(separator: "\n\n")
  }

  /// The whole report.
  var json: JSONValue {
    let (split, fit) = (trained.split, trained.fit)
    return [
      "model": [
        "name": .string(trained.model.name), "version": .string(trained.model.version.short),
        "file": .string(files.model),
      ],
      "labels": .array(folder.classes.map(JSONValue.string)),
      "learned": .integer(split.learned.count), "held_out": .integer(split.heldOut.count),
      "feature_storage": .string(trained.reusedCount == nil ? "memory" : "disk"),
      "reused": .integer(trained.reusedCount ?? 0), "views": .integer(trained.viewCount),
      "failed": .integer(trained.survey.failures.count),
      "features": .integer(trained.featureCount), "from": .string(trained.parentName),
      "preview": trained.preview.map { .object($0.members) } ?? .null,
      "regularization": fit.map { .double($0.regularization) } ?? .null,
      "trials": .array(
        (fit?.trials ?? []).map {
          [
            "regularization": .double($0.regularization), "log_loss": .double($0.logLoss),
            "accuracy": .double($0.accuracy),
          ]
        }),
      "iterations": fit.map { .integer($0.iterationCount) } ?? .null,
      "hidden": fit?.layers.hidden.map { .integer($0.classCount) } ?? .null,
      "solver": JSONValue(fit?.solver.rawValue),
      "converged": fit?.isConverged.map { .boolean($0) } ?? .null,
      "course": trained.course?.json ?? .null,
      "temperature": .float(trained.model.output.temperature),
      "cross_validated": .boolean(trained.judgement?.isCrossValidated ?? false),
      "int8": trained.int8.json,
      "evaluation": evaluation?.json ?? labelEvaluation?.json ?? .null,
      "doubtful": .array(
        trained.doubts.map {
          [
            "file": .string($0.path), "class": .integer($0.label),
            "suggestion": .integer($0.suggestion), "probability": .float($0.confidence),
          ]
        }),
      "frames": trained.frames?.json ?? .null,
      "notes": .array(notes.map(JSONValue.string)),
      "program": .string("resnetd \(Version.number)"), "date": .string(date),
      "command": .string(ProgramArguments.commandLine),
      "seconds": .double(trained.duration / .seconds(1)),
    ]
  }
}
