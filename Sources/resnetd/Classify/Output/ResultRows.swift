import Checkpoint
import Engine
import Files
import Inference
import JSON
import Serving
import Tables

/// The answers of a run as bytes, image by image.
struct ResultRows: Sendable {
  /// Columns before those of the classes.
  static let csvColumns = ["file", "error", "model", "run"]

  let format: ResultFormat
  /// How the answers were made: the precision, then eight digits of the SHA-256 of everything
  /// beside the model's file that answers depend on.
  let run: String
  private let model: CompiledModel
  private let answer: ClassificationAnswer
  private let topK: Int
  private let minimum: Float?
  /// Whether one image was asked for, whose answer need not tell its name.
  private let isAlone: Bool

  /// - Parameters:
  ///   - parts: What the command line said of the model; answers depend on which of a file's networks
  ///     and outputs it chose.
  ///   - topK: Classes to show, at most those of the model.
  init(
    _ model: CompiledModel, _ parts: ModelParts, _ format: ResultFormat, topK: Int,
    minimum: Float?, isAlone: Bool
  ) throws(Failure) {
    (self.model, self.format, self.isAlone) = (model, format, isAlone)
    (self.topK, self.minimum) = (topK, minimum)
    answer = ClassificationAnswer(model)
    run = try Self.run(model, parts, topK: self.topK, minimum: minimum)
  }

  var version: String { model.version.short }

  private static func run(
    _ model: CompiledModel, _ parts: ModelParts, topK: Int, minimum: Float?
  ) throws(Failure) -> String {
    let settings =
      [
        Contract.text(of: model.preprocessing, model.output), "\(topK)", "\(minimum ?? 0)",
        parts.weights ?? "", parts.variant ?? "", parts.outputName ?? "",
      ] + model.labels
    do throws(DigestError) {
      var digest = try SHA256()
      let bytes = Array(settings.joined(separator: "\n").utf8)
      // SAFETY: the elements are bytes.
      unsafe digest.update(bytes.span.bytes)
      return "\(model.precision.rawValue)-\(HexDigits.text(digest.finish()).prefix(8))"
    } catch {
      throw Failure(error.description)
    }
  }

  // MARK: The whole

  /// Bytes before the first image's.
  var head: [UInt8] {
    switch format {
    case .text, .jsonl: []
    case .csv: CSV.row(csvHeader)
    case .json: isAlone ? [] : Array(answer.list([]).text.utf8.dropLast(Self.listEnd.count))
    }
  }

  /// Bytes between two images'.
  var separator: [UInt8] { format == .json ? [UInt8(ascii: ",")] : [] }

  /// Bytes after the last image's.
  var foot: [UInt8] {
    format == .json && !isAlone ? Self.listEnd + [UInt8(ascii: "\n")] : []
  }

  /// End of a document with a list of results.
  private static let listEnd = Array("]}".utf8)

  private var hasThreshold: Bool { model.output.threshold != nil }
  private var hasDisplayNames: Bool { !model.output.displayNames.isEmpty }

  private var csvHeader: [String] {
    let value = model.output.givesProbabilities ? "probability" : "score"
    let names = ["class", "label"] + (hasDisplayNames ? ["display_name"] : []) + [value]
    return Self.csvColumns + (hasThreshold ? ["unsure"] : [])
      + (1...topK).flatMap { place in names.map { "\($0)_\(place)" } }
  }

  // MARK: An image

  /// Returns the answer to one image; nil if this format has none for images that failed.
  func row(_ path: String, _ output: Result<ImageOutput, Problem>) -> [UInt8] {
    let result = output.map {
      Ranking($0.numbers, by: model.output, count: topK, minimum: minimum)
    }
    var inner = InnerAnswer()
    if case .success(let output) = output, case .success(let ranking) = result,
      output.lastMap != nil
    {
      inner = InnerAnswer(output, .lastMap, for: ranking, model) ?? inner
    }
    switch format {
    case .text:
      guard case .success(let ranking) = result else { return [] }
      return Array(text(ranking, isAlone ? nil : path).utf8)
    case .json:
      if isAlone {
        return Array((answer.document(answer.item(result, inner: inner)).text + "\n").utf8)
      }
      return JSONValue.object(answer.item(result, inner: inner, file: path)).bytes
    case .jsonl:
      let line = answer.document(
        ["run": .string(run)] + answer.item(result, inner: inner, file: path))
      return line.bytes + [UInt8(ascii: "\n")]
    case .csv: return CSV.row(fields(path, result))
    }
  }

  private func text(_ ranking: Ranking, _ heading: String?) -> String {
    let rows = ranking.entries.map { entry in
      let label = model.labels[entry.index]
      return [
        Decimal.text(Double(entry.value), digits: 4), model.output.displayNames[label] ?? label,
      ]
    }
    let heading = heading.map { PlainText.line($0) + ":\n" } ?? ""
    let unsure = "unsure: nothing reaches the model's threshold\n"
    return heading + TextTable(rows: rows).text + "\n" + (ranking.isUnsure == true ? unsure : "")
  }

  private func fields(_ path: String, _ result: Result<Ranking, Problem>) -> [String] {
    switch result {
    case .failure(let problem):
      let missing = csvHeader.count - Self.csvColumns.count
      return [path, problem.detail, version, run] + [String](repeating: "", count: missing)
    case .success(let ranking):
      var fields = [path, "", version, run]
      if let isUnsure = ranking.isUnsure { fields.append(isUnsure ? "true" : "false") }
      for entry in ranking.entries {
        let label = model.labels[entry.index]
        fields += [String(entry.index), label]
        if hasDisplayNames { fields.append(model.output.displayNames[label] ?? "") }
        fields.append(entry.value.description)
      }
      let missing = csvHeader.count - fields.count
      return fields + [String](repeating: "", count: missing)
    }
  }
}
