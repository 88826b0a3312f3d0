import JSON
import Training

extension RidgePreview {
  func text(_ split: DataSplit) -> String {
    "\(EvaluationReport.percent(accuracy)) "
      + (split.hasIndependentLabels ? "of labels right, of " : "of ")
      + "\(Decimal.grouped(judgedCount)) images "
      + (leavesOneOut ? "left out one by one" : "held out")
  }

  var members: JSONObject {
    [
      "method": "ridge", "accuracy": .double(accuracy), "images": .integer(judgedCount),
      "leave_one_out": .boolean(leavesOneOut), "regularization": .double(regularization),
    ]
  }
}
