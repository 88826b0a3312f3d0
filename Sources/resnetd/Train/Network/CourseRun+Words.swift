import Training

/// Sentences about the course of a training.
extension CourseRun {
  private var accuracyName: String {
    training.job.settings.hasIndependentLabels ? "labels right" : "top-1"
  }

  func detail(
    _ step: Course.Step, _ record: CourseRecord, _ total: Int, _ judgement: Double?
  ) -> String {
    let left =
      Double((total - course.stepCount) * recipe.batchImageCount) / record.speed
      + endingSeconds(speed: record.speed, judgement: judgement)
    return "\(Int(record.speed)) images/s, loss \(Decimal.text(step.loss, digits: 3)), "
      + "\(accuracyName) \(EvaluationReport.percent(record.current.accuracy)), "
      + "\(Self.text(seconds: left)) left"
  }

  func tell(
    _ epoch: CourseRecord.Epoch, of count: Int, _ progress: inout TrainingProgress
  ) {
    var text =
      "epoch \(epoch.number) of \(count): loss \(Decimal.text(epoch.loss, digits: 4)), \(accuracyName) "
      + EvaluationReport.percent(epoch.accuracy)
    if let loss = epoch.heldOutLoss, let accuracy = epoch.heldOutAccuracy {
      text +=
        "; held out: log loss \(Decimal.text(loss, digits: 4)), \(accuracyName) "
        + EvaluationReport.percent(accuracy)
    }
    progress.tell(text)
  }

  static func text(seconds: Double) -> String {
    let whole = Int(seconds.rounded())
    return whole < 60
      ? "\(whole) s"
      : whole < 3600
        ? "\(whole / 60) min \(whole % 60) s"
        : "\(whole / 3600) h \(whole % 3600 / 60) min"
  }
}
