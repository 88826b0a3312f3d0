import JSON
import Training

extension RidgePreview {
  func text(_ split: DataSplit) -> String {
    "\(EvaluationReport.percent(accuracy)) "
      + (split.hasIndependentLabels ? "of labels right, of " : "of ")
      + "\(Decimal.grouped(judgedCount)) images "
      + (!leavesOneOut
        ? "held out"
        : groupCount == judgedCount
          ? "left out one by one" : "left out in \(Decimal.grouped(groupCount)) groups")
  }

  var members: JSONObject {
    [
      "method": "ridge", "accuracy": .double(accuracy), "images": .integer(judgedCount),
      "leave_one_out": .boolean(leavesOneOut), "regularization": .double(regularization),
    ]
  }
}
