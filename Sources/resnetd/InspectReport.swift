import Checkpoint
import FoundationEssentials
import Imaging
import ResNet

/// A network's description as a table and as JSON.
struct InspectReport: Encodable {
  /// What a model file tells beyond its network.
  private struct ModelPart: Encodable {
    var version: String
    var labels: [String]
    var preprocessing: Preprocessing
    var calibration: Calibration?
    var provenance: Provenance?
    var goldenSampleCount: Int

    enum CodingKeys: String, CodingKey {
      case version, labels, preprocessing, calibration, provenance
      case goldenSampleCount = "golden_sample_count"
    }
  }

  private let name: String
  private let architecture: Architecture
  private let parameterCount: Int
  private let multiplyAddCount: Int
  /// With the stride in the first 1x1 and in the 3x3; the same for basic blocks.
  private let multiplyAddCounts: [String: Int]
  private let layers: [NetworkSummary.Layer]
  private let blocks: [NetworkSummary.Block]
  private let model: ModelPart?

  private enum CodingKeys: String, CodingKey {
    case name, architecture, layers, blocks, model
    case parameterCount = "parameters"
    case multiplyAddCount = "multiply_adds"
    case multiplyAddCounts = "multiply_adds_by_variant"
  }

  init(
    _ name: String, _ architecture: Architecture, _ graph: Graph, _ model: Model?
  ) throws(GraphError) {
    let summary = try NetworkSummary(graph)
    self.name = name
    self.architecture = architecture
    parameterCount = summary.parameterCount
    multiplyAddCount = summary.multiplyAddCount
    layers = summary.layers
    blocks = summary.blocks
    var counts: [String: Int] = [:]
    for placement in Architecture.StridePlacement.allCases {
      var variant = architecture
      variant.stridePlacement = placement
      counts[placement.rawValue] = try NetworkSummary(try Graph(variant)).multiplyAddCount
    }
    multiplyAddCounts = counts
    self.model = model.map {
      ModelPart(
        version: $0.version.hex, labels: $0.labels, preprocessing: $0.preprocessing,
        calibration: $0.calibration, provenance: $0.provenance,
        goldenSampleCount: $0.goldenSamples.count)
    }
  }

  /// Keys in snake case, layers in the order of computation.
  var json: String { Self.encoded(self, pretty: true) }

  /// The table, the blocks, the sums.
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
    let isBottleneck = architecture.block == .bottleneck
    var lines = [
      "\(name), \(architecture.inputSize)x\(architecture.inputSize) pixels, "
        + "\(architecture.classCount) classes" + (isBottleneck ? ", " + variant : ""),
      "parameters     \(Decimal.grouped(parameterCount))",
      "multiply-adds  \(Decimal.grouped(multiplyAddCount))",
    ]
    if isBottleneck {
      for (name, count) in multiplyAddCounts.sorted(by: { $0.key < $1.key })
      where name != variant {
        lines.append("         (\(name)) \(Decimal.grouped(count))")
      }
    }
    return lines.joined(separator: "\n")
  }

  private var variant: String { architecture.stridePlacement.rawValue }

  private var modelText: String? {
    guard let model else { return nil }
    var rows = [
      ["version", model.version],
      [
        "labels",
        model.labels.prefix(10).joined(separator: ", ")
          + (model.labels.count > 10 ? ", …" : ""),
      ],
      ["preprocessing", Self.encoded(model.preprocessing, pretty: false)],
    ]
    if let calibration = model.calibration {
      rows.append(["calibration", "\(calibration.ranges.count) ranges, \(calibration.method)"])
    }
    if let provenance = model.provenance {
      rows.append(["provenance", Self.encoded(provenance, pretty: false)])
    }
    return TextTable(rows: rows).text
  }

  private static func encoded(_ value: some Encodable, pretty: Bool) -> String {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    if pretty { encoder.outputFormatting.insert(.prettyPrinted) }
    guard let data = try? encoder.encode(value) else {
      preconditionFailure("a description is encodable")
    }
    return String(decoding: data, as: UTF8.self)
  }
}
