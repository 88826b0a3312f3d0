import Checkpoint
import Files
import Training

/// A model that has been learned, and everything that is to be told about it.
struct TrainingResult {
  let model: Model
  /// Model as it was at the end, if another one is the best.
  let last: Model?
  let parentName: String
  let featureCount: Int
  let split: DataSplit
  let survey: ImageSurvey.Outcome
  /// The last layer by itself; nil if training began from scratch.
  let fit: HeadFit?
  /// Quick estimate before the last layer was fitted; nil if there was none.
  var preview: RidgePreview?
  /// Augmented views of each image that the last layer was learned from beside it.
  var viewCount = 0
  /// Images whose features were on disk already; nil if features were in memory.
  var reusedCount: Int?
  /// Epochs in which other layers were trained too; nil if none were.
  let course: CourseRecord?
  /// Nil if the classes have too few images for any judgement.
  let judgement: HeadJudgement?
  /// The crop of the contract against the whole frame; nil if it does not crop.
  let frames: FrameComparison?
  let int8: IntegerOutcome
  let doubts: [HeadJudgement.Doubt]
  let duration: Duration
}

/// The parts of a model file that training makes.
enum TrainedModel {
  /// Returns the parent's network with a new last layer.
  static func model(
    _ parent: Model, _ head: HeadLayers, name: String, _ contents: Model.Contents
  ) throws(Failure) -> Model {
    do {
      if let hidden = head.hidden {
        return try parent.withHead(
          name: name, hidden: (hidden.weights, hidden.bias),
          last: (head.last.weights, head.last.bias), contents)
      }
      let head = head.last
      return try parent.withHead(name: name, weights: head.weights, bias: head.bias, contents)
    } catch {
      throw Failure("the model cannot be put together: \(error)")
    }
  }

  /// Returns the name of the model in a file of this name: what may not stand in names becomes a
  /// dash.
  static func name(of path: String) -> String {
    let file = path.split(separator: "/").last.map(String.init) ?? path
    let stem = file.hasSuffix(".safetensors") ? String(file.dropLast(".safetensors".count)) : file
    let name = stem.unicodeScalars.map { scalar in
      Model.isAllowed(scalar) ? String(scalar) : "-"
    }.joined()
    return name.isEmpty ? "model" : String(name.prefix(Model.nameByteCountLimit))
  }

  /// Returns the SHA-256 of the images with their classes: of each image's digest and its label or
  /// labels, in order.
  static func digest(of images: [SurveyedImage], _ split: DataSplit, _ labels: [String]) throws
    -> String
  {
    var digest = try SHA256()
    for image in images {
      let names = split.labels(of: image).map { labels[$0] }.joined(separator: "\0")
      let entry = image.digest + Array(names.utf8) + [0]
      // SAFETY: the elements are bytes.
      digest.update(unsafe entry.span.bytes)
    }
    return HexDigits.text(digest.finish())
  }
}
