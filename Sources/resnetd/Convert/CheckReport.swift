import Checkpoint

/// What is told of a file that was compared with known outputs.
struct CheckReport {
  private let found: VariantSearch.Find
  private let stated: ModelReading
  private let input: String
  private let images: String
  private let outputs: String

  /// - Parameters:
  ///   - stated: What was known of how the file is to be read.
  ///   - input: Path of the file, as the other two of the arrays.
  init(
    _ found: VariantSearch.Find, _ stated: ModelReading, input: String, images: String,
    _ outputs: String
  ) {
    (self.found, self.stated) = (found, stated)
    (self.input, self.images, self.outputs) = (input, images, outputs)
  }

  /// Tells what agrees and how the file was read for it; throws if nothing does.
  func tell() throws(Failure) {
    switch found.kind {
    case .none: break
    case .softmax:
      write(
        "the rows of \(outputs) sum to 1: they are taken as probabilities and compared with the "
          + "softmax")
    case .sigmoid:
      write(
        "the numbers of \(outputs) are from 0 to 1: they are taken as probabilities and compared with "
          + "the sigmoid of each logit")
    }
    let kind = found.kind == .none ? "logits" : "probabilities"
    let difference = "the largest difference is \(found.distance) of the largest number"
    guard found.distance <= VariantSearch.likelyDistance else {
      throw Failure(
        "\(input): no variant gives the \(kind) of \(outputs); the nearest is \(options), and "
          + "\(difference). Are the images of \(images) prepared (scaled, normalised), and the "
          + "network in its evaluation mode? If it computes what no tensor tells, such as an "
          + "activation between modules, export it as ONNX.")
    }
    ModelSource.tell(of: found.model, input, ModelSource.warn)
    write("the \(kind) agree, \(difference)")
    if found.reading.variant != stated.variant { write("the network is \(variant)") }
    if let name = found.reading.outputName, name != stated.outputName {
      write("the output that agrees is --output-name \(name)")
    }
    guard let activation = found.reading.activation, activation != stated.activation else { return }
    write("the outputs are read with --activation \(activation.rawValue)" + advice(activation))
  }

  /// Advice on an activation that the known numbers do not prove.
  private func advice(_ activation: OutputRule.Activation) -> String {
    switch (found.kind, activation) {
    case (.none, .none):
      ", as scores, which is what \(outputs) has; give another one if it holds logits"
    case (.none, _): ", for they have one label more than there are outputs"
    default: ""
    }
  }

  private var variant: String {
    found.reading.variant.isEmpty ? "the usual one" : "--arch \(found.reading.variant.text)"
  }

  /// How the file was read, as options.
  private var options: String {
    let name = found.reading.outputName == stated.outputName ? nil : found.reading.outputName
    return variant + (name.map { " with --output-name \($0)" } ?? "")
  }

  private func write(_ text: String) { StandardError.write("resnetd convert: \(text)") }
}
