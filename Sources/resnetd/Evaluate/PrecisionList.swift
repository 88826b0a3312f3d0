import Checkpoint
import Engine
import Inference

/// Precisions that a model is to be measured in.
enum PrecisionList: Sendable, Equatable {
  /// The one that `serve` would choose.
  case automatic
  /// Every one that the machine and the model can.
  case all
  case given([Precision])

  /// Returns the precisions, and a sentence for each that this machine or model cannot.
  func chosen(for model: Model) throws(Failure) -> ([Precision], leftOut: [String]) {
    let wanted: [Precision]
    switch self {
    case .automatic: return ([try ModelSource.precision(.auto, for: model)], [])
    case .all: wanted = [.fp32, .bf16, .int8]
    case .given(let precisions): wanted = precisions
    }
    var (chosen, leftOut): ([Precision], [String]) = ([], [])
    for precision in wanted {
      if let refusal = precision.refusal {
        leftOut.append("\(precision.rawValue) is left out: \(refusal)")
      } else if precision == .int8, model.calibration == nil {
        leftOut.append(
          "int8 is left out: \(model.name) has no calibration; `resnetd quantize` makes one")
      } else {
        chosen.append(precision)
      }
    }
    guard !chosen.isEmpty else { throw Failure(leftOut.joined(separator: "; ")) }
    return (chosen, leftOut)
  }
}

extension Option {
  static func precisions(
    _ name: String, _ path: any Path<PrecisionList>, _ help: String
  ) -> Option {
    Option(name: name, valueName: "LIST", help: help) { (settings, text) throws(InvalidValue) in
      switch text {
      case "auto": settings[keyPath: path] = .automatic
      case "all": settings[keyPath: path] = .all
      default:
        var precisions: [Precision] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
          guard let precision = Precision(rawValue: String(part)), !precisions.contains(precision)
          else {
            throw InvalidValue(expected: "auto, all, or some of fp32,bf16,int8, each once")
          }
          precisions.append(precision)
        }
        settings[keyPath: path] = .given(precisions)
      }
    } defaultText: { _ in
      "auto"
    }
  }
}
