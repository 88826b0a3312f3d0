import Checkpoint
import Imaging
import JSON
import ResNet

/// A network's description as a table and as JSON.
struct InspectReport {
  /// Facts of a model file beyond its network.
  private struct ModelPart {
    var format: FileFormat
    /// The SHA-256 of the file.
    var version: String
    var labelCount: Int
    var labels: [String]
    var preprocessing: Preprocessing
    var output: OutputRule
    var calibration: Calibration?
    var provenance: Provenance?
    var goldenSampleCount: Int
    var warnings: [String]
    var assumptions: [String]

    var json: JSONValue {
      var members: JSONObject = ["assumed": .array(assumptions.map(JSONValue.string))]
      if let calibration { members.append("calibration", JSONValue(encoding: calibration)) }
      members += [
        "format": .string(format.rawValue), "golden_sample_count": .integer(goldenSampleCount),
        "label_count": .integer(labelCount), "labels": .array(labels.map(JSONValue.string)),
        "output": JSONValue(encoding: output), "preprocessing": JSONValue(encoding: preprocessing),
      ]
      if let provenance { members.append("provenance", JSONValue(encoding: provenance)) }
      members += [
        "version": .string(version), "warnings": .array(warnings.map(JSONValue.string)),
      ]
      return .object(members)
    }
  }

  private let name: String
  /// Architecture of the network; nil if the file holds a graph of its own.
  private let architecture: Architecture?
  private let input: FeatureShape
  private let classCount: Int
  private let parameterCount: Int
  private let multiplyAddCount: Int
  /// Multiply-adds with the stride in the first 1x1 and in the 3x3; the same for basic blocks.
  private let multiplyAddCounts: [String: Int]
  private let layers: [NetworkSummary.Layer]
  private let blocks: [NetworkSummary.Block]
  private let model: ModelPart?

  init(
    _ name: String, _ architecture: Architecture?, _ graph: Graph, _ model: Model?
  ) throws(GraphError) {
    let summary = try NetworkSummary(graph)
    self.name = name
    self.architecture = architecture
    input = graph.inputShape
    classCount = try graph.outputShape.channels
    parameterCount = summary.parameterCount
    multiplyAddCount = summary.multiplyAddCount
    layers = summary.layers
    blocks = summary.blocks
    var counts: [String: Int] = [:]
    for placement in Architecture.StridePlacement.allCases {
      guard var variant = architecture else { break }
      variant.stridePlacement = placement
      counts[placement.rawValue] = try NetworkSummary(try Graph(variant)).multiplyAddCount
    }
    multiplyAddCounts = counts
    self.model = model.map {
      ModelPart(
        format: $0.format, version: $0.version.hex, labelCount: $0.labels.count,
        labels: $0.labels, preprocessing: $0.preprocessing, output: $0.output,
        calibration: $0.calibration,
        provenance: $0.provenance, goldenSampleCount: $0.goldenSamples.count,
        warnings: $0.warnings, assumptions: $0.assumptions)
    }
  }

  /// JSON on several lines, members sorted by name, layers in the order of computation.
  var json: String {
    var report: JSONObject = [:]
    if let architecture {
      report.append("architecture", JSONValue(encoding: ArchitectureDocument(architecture)))
    }
    report += [
      "blocks": .array(blocks.map(Self.json)), "class_count": .integer(classCount),
      "input": JSONValue(encoding: input), "layers": .array(layers.map(Self.json)),
    ]
    if let model { report.append("model", model.json) }
    let counts = multiplyAddCounts.sorted { $0.key < $1.key }
    report += [
      "multiply_adds": .integer(multiplyAddCount),
      "multiply_adds_by_variant": .object(JSONObject(counts.map { ($0.key, .integer($0.value)) })),
      "name": .string(name), "parameters": .integer(parameterCount),
    ]
    return JSONValue.object(report).indentedText
  }

  private static func json(_ block: NetworkSummary.Block) -> JSONValue {
    [
      "main_path_weight_count": .integer(block.mainPathWeightCount),
      "multiply_add_count": .integer(block.multiplyAddCount), "name": .string(block.name),
      "parameter_count": .integer(block.parameterCount),
    ]
  }

  private static func json(_ layer: NetworkSummary.Layer) -> JSONValue {
    [
      "kind": .string(layer.kind), "multiply_add_count": .integer(layer.multiplyAddCount),
      "name": .string(layer.name), "output_shape": JSONValue(encoding: layer.outputShape),
      "parameter_count": .integer(layer.parameterCount),
    ]
  }

  /// Text with the table, the blocks and the sums.
  var text: String {
    ([layerTable, "", blockTable, "", sums] + (modelText.map { ["", $0] } ?? []))
      .joined(separator: "\n")
  }

  private var layerTable: String {
    var rows = [["layer", "operation", "output", "parameters", "multiply-adds"]]
    for layer in layers {
      rows.append([
        layer.name, layer.kind, layer.outputShape.description,
        Decimal.grouped(layer.parameterCount), Decimal.grouped(layer.multiplyAddCount),
      ])
    }
    return TextTable(rows: rows, rightAligned: [3, 4]).text
  }

  private var blockTable: String {
    var rows = [["block", "convolution weights", "parameters", "multiply-adds"]]
    for block in blocks {
      rows.append([
        block.name, Decimal.grouped(block.mainPathWeightCount),
        Decimal.grouped(block.parameterCount), Decimal.grouped(block.multiplyAddCount),
      ])
    }
    return TextTable(rows: rows, rightAligned: [1, 2, 3]).text
  }

  private var sums: String {
    let variant =
      architecture?.block == .bottleneck ? architecture?.stridePlacement.rawValue : nil
    var lines = [
      "\(name), \(input.height)x\(input.width) pixels, \(classCount) classes"
        + (variant.map { ", " + $0 } ?? ""),
      "parameters     \(Decimal.grouped(parameterCount))",
      "multiply-adds  \(Decimal.grouped(multiplyAddCount))",
    ]
    if let variant {
      for (name, count) in multiplyAddCounts.sorted(by: { $0.key < $1.key })
      where name != variant {
        lines.append("         (\(name)) \(Decimal.grouped(count))")
      }
    }
    return lines.joined(separator: "\n")
  }

  private var modelText: String? {
    guard let model else { return nil }
    var rows = [
      ["format", model.format.description],
      ["SHA-256", model.version],
      ["architecture", architectureText],
      [
        "labels",
        "\(model.labelCount): " + model.labels.prefix(10).joined(separator: ", ")
          + (model.labels.count > 10 ? ", …" : ""),
      ],
      ["preprocessing", JSONValue(encoding: model.preprocessing).text],
      ["output", Self.text(model.output)],
      [
        "calibration",
        model.calibration.map(Self.text) ?? "none",
      ],
      ["provenance", model.provenance.map { JSONValue(encoding: $0.inWords).text } ?? "none"],
      ["golden samples", String(model.goldenSampleCount)],
    ]
    for assumption in model.assumptions { rows.append(["assumed", assumption]) }
    for warning in model.warnings { rows.append(["warning", warning]) }
    return TextTable(rows: rows).text
  }

  private static let shownNameCount = 5

  /// Returns the rule with a few of its names; `--json` has all.
  private static func text(_ output: OutputRule) -> String {
    var short = output
    short.displayNames = [:]
    guard !output.displayNames.isEmpty else { return JSONValue(encoding: short).text }
    let names = output.displayNames.sorted { $0.key < $1.key }
    let shown = names.prefix(shownNameCount).map { "\($0.key): \($0.value)" }
    return "\(JSONValue(encoding: short).text), \(names.count) display names: "
      + shown.joined(separator: ", ") + (names.count > shown.count ? ", …" : "")
  }

  private static func text(_ calibration: Calibration) -> String {
    let layers = calibration.floatingPoint?.sorted() ?? []
    return "\(calibration.ranges.count) ranges, \(calibration.method)"
      + (layers.isEmpty ? "" : "; in floating point: " + layers.prefix(10).joined(separator: ", "))
      + (layers.count > 10 ? ", …" : "")
  }

  private var architectureText: String {
    guard let architecture else { return "a graph of its own, \(layers.count) nodes" }
    let blocks = architecture.stages.map { String($0.blocks) }.joined(separator: "-")
    let widths = architecture.stages.map { String($0.width) }.joined(separator: "-")
    var text = "\(architecture.stem.rawValue) stem, \(blocks) \(architecture.block.rawValue) blocks"
    text += " of width \(widths), shortcut \(architecture.shortcut.rawValue)"
    if architecture.shortcut == .a { text += ", \(architecture.zeroChannels.rawValue) zeros" }
    if architecture.groups > 1 || architecture.widthPerGroup != 64 {
      text += ", \(architecture.groups) groups of width \(architecture.widthPerGroup)"
    }
    return text
  }
}
