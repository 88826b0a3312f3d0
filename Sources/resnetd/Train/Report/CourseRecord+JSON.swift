import JSON

extension CourseRecord {
  /// The course as reports give it.
  var json: JSONValue {
    [
      "recipe": .string(recipe), "epoch_count": .integer(epochCount),
      "steps_per_epoch": .integer(stepsPerEpoch), "images_per_second": .double(speed),
      "epochs": .array(epochs.map(\.json)), "first": first?.json ?? .null,
      "best": best?.json ?? .null,
    ]
  }
}

extension CourseRecord.Epoch {
  fileprivate var json: JSONValue {
    [
      "number": .integer(number), "learning_rate": .double(rate), "loss": .double(loss),
      "accuracy": .double(accuracy), "held_out_loss": heldOutLoss.map(JSONValue.double) ?? .null,
      "held_out_accuracy": heldOutAccuracy.map(JSONValue.double) ?? .null,
      "calibrated_loss": calibratedLoss.map(JSONValue.double) ?? .null,
    ]
  }
}
