import Checkpoint
import Decoding
import Engine
import Imaging
import Inference
import Serving

/// What became of a batch of labelled images in all precisions.
struct EvaluatedPart: Sendable {
  struct Failure: Sendable {
    var path: String
    var reason: String
  }

  /// One for each precision.
  var tallies: [EvaluationTally]
  /// Agreement of each precision with the first one.
  var agreements: [Agreement]
  var failures: [Failure] = []
  var notImageCount = 0
  var learned = LearnedImages()

  init(precisionCount: Int) {
    tallies = [EvaluationTally](repeating: EvaluationTally(), count: precisionCount)
    agreements = [Agreement](repeating: Agreement(), count: precisionCount)
  }

  mutating func merge(_ other: EvaluatedPart) {
    for index in tallies.indices {
      tallies[index].merge(other.tallies[index])
      agreements[index].merge(other.agreements[index])
    }
    failures += other.failures
    notImageCount += other.notImageCount
    learned.merge(other.learned)
  }
}

/// One thread's means of evaluating images: a classifier for each precision.
struct EvaluationClassifier {
  private let models: [CompiledModel]
  private let classifiers: [Classifier]
  private let decoder: any ImageDecoder
  private let source: any DecoderSource
  private let sample: LearnedSample?

  /// - Parameter sample: Sample of the images that the model has learned; nil if its file has none.
  init(
    _ models: [CompiledModel], _ source: any DecoderSource, _ limits: DecodingLimits,
    learned sample: LearnedSample?
  ) throws(Failure) {
    self.models = models
    (self.source, self.sample) = (source, sample)
    decoder = source.makeDecoder()
    var classifiers: [Classifier] = []
    do throws(EngineError) {
      for model in models {
        classifiers.append(try Classifier(model, limits: limits))
      }
    } catch {
      throw Failure("the model cannot be compiled: \(error)")
    }
    self.classifiers = classifiers
  }

  func evaluate(_ images: [LabelledImage]) throws -> EvaluatedPart {
    var part = EvaluatedPart(precisionCount: models.count)
    var waiting: [LabelledImage] = []
    let capacity = classifiers.map(\.capacity).min() ?? 1
    for image in images {
      let outcome = try ImageReader.decode(image.image, source) {
        (bytes, deadline) throws(DecodingFailure) in
        for classifier in classifiers {
          try classifier.prepare(bytes[...], at: waiting.count, by: decoder, until: deadline)
        }
      }
      switch outcome {
      case .notImage: part.notImageCount += 1
      case .failure(let problem):
        part.failures.append(.init(path: image.image.path, reason: problem.detailForFiles))
      case .bytes(let bytes):
        if let sample { try part.learned.record(bytes, sample) }
        waiting.append(image)
      }
      if waiting.count == capacity { try run(&waiting, into: &part) }
    }
    try run(&waiting, into: &part)
    return part
  }

  private func run(_ waiting: inout [LabelledImage], into part: inout EvaluatedPart) throws {
    guard !waiting.isEmpty else { return }
    var reference: [[Float]] = []
    for (index, classifier) in classifiers.enumerated() {
      let output = models[index].output
      let answers: [[Float]?]
      do throws(EngineError) {
        answers = try classifier.run(count: waiting.count).map { $0?.numbers }
      } catch {
        throw Failure(error.description)
      }
      for (place, image) in waiting.enumerated() {
        guard let numbers = answers[place] else {
          throw Failure("\(image.image.path): \(Classifier.notFinite)")
        }
        var logits = Array(classifier.outputs(at: place))
        // A single output is the second class's, against 0 for the first.
        if logits.count == 1 { logits.insert(0, at: 0) }
        part.tallies[index].record(
          image.image.path, label: image.label, probabilities: numbers, logits: logits,
          temperature: output.temperature)
        if index == 0 {
          reference.append(numbers)
        } else {
          part.agreements[index].record(reference: reference[place], candidate: numbers)
        }
      }
    }
    waiting = []
  }
}
