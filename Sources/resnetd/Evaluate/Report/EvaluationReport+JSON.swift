import Checkpoint
import Engine
import JSON

extension EvaluationReport {
  /// The whole report.
  var json: JSONValue {
    [
      "model": ["name": .string(name), "version": .string(version.short)],
      "source": .string(source), "seconds": .double(duration / .seconds(1)),
      "failed": .integer(failureCount), "notes": .array(notes.map(JSONValue.string)),
      "learned_images": learned?.json ?? .null,
      "labels": .array(labels.map(JSONValue.string)),
      "precisions": .array(parts.map(json)),
    ]
  }

  private func json(_ part: Part) -> JSONValue {
    let tally = part.tally
    var object: JSONObject = [
      "precision": .string(part.precision.rawValue), "images": .integer(tally.imageCount),
      "top1": json(tally.top1), "top5": json(tally.top5),
      "mean_recall": .double(part.meanRecall), "mean_precision": .double(part.meanPrecision),
      "mean_f1": .double(part.meanF1), "log_loss": .double(tally.logLoss),
      "calibration_error": .double(tally.bins.expectedError),
      "temperature": .float(temperature), "best_temperature": .null,
    ]
    if let best = tally.temperature.best {
      object = JSONObject(object.members.dropLast())
      object += [
        "best_temperature": .double(best.temperature),
        "log_loss_at_best_temperature": .double(best.logLoss),
      ]
    }
    if let agreement = part.agreement {
      object += [
        "agreement": [
          "top1": .double(agreement.top1), "top5": .double(agreement.top5),
          "largest_probability_difference": .float(agreement.largestProbabilityDifference),
        ]
      ]
    }
    object += [
      "bins": .array(tally.bins.bins.map(json)), "classes": .array(part.scores.map(json)),
      "confusion": confusion(tally), "mistakes": .array(tally.mistakes.map(json)),
    ]
    return .object(object)
  }

  private func json(_ share: Proportion) -> JSONValue {
    let (low, high) = share.interval
    return ["value": .double(share.value), "low": .double(low), "high": .double(high)]
  }

  private func json(_ bin: CalibrationBins.Bin) -> JSONValue {
    [
      "images": .integer(bin.count), "confidence": .double(bin.meanConfidence),
      "accuracy": .double(bin.accuracy),
    ]
  }

  private func json(_ score: ClassScore) -> JSONValue {
    let (low, high) = score.recall.interval
    return [
      "class": .integer(score.index), "label": .string(labels[score.index]),
      "images": .integer(score.imageCount), "answers": .integer(score.answerCount),
      "correct": .integer(score.correctCount), "recall": .double(score.recall.value),
      "recall_low": .double(low), "recall_high": .double(high),
      "precision": score.answerCount == 0 ? .null : .double(score.precision.value),
      "f1": .double(score.f1),
    ]
  }

  /// Rows of class, answer, number of images; pairs that never occur are left out.
  private func confusion(_ tally: EvaluationTally) -> JSONValue {
    let entries = tally.confusions.sorted {
      ($0.key.label, $0.key.answer) < ($1.key.label, $1.key.answer)
    }
    return .array(
      entries.map { [.integer($0.key.label), .integer($0.key.answer), .integer($0.value)] })
  }

  private func json(_ mistake: EvaluationTally.Mistake) -> JSONValue {
    [
      "file": .string(mistake.path), "class": .integer(mistake.label),
      "answer": .integer(mistake.answer), "probability": .float(mistake.confidence),
      "probability_of_class": .float(mistake.labelProbability),
    ]
  }
}
