import FoundationEssentials
import Imaging
import Testing

/// The contract as a value and as JSON.
struct PreprocessingTests {
  private static let document = """
    {"resize": {"rule": "shorter_side", "size": 256, "filter": "bilinear"},
     "crop": {"rule": "center", "height": 224, "width": 224},
     "channel_order": "rgb",
     "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225], "range": 1,
     "alpha": {"policy": "compose", "background": [255, 255, 255]},
     "grey": "replicate", "cmyk": "convert", "sixteen_bit": "high_byte",
     "exif_orientation": "apply", "color_profile": "ignore", "exact": false}
    """

  private static func decode(_ json: String) throws -> Preprocessing {
    try JSONDecoder().decode(Preprocessing.self, from: Data(json.utf8))
  }

  @Test("The ImageNet contract has the documented JSON form")
  func documentedForm() throws {
    #expect(try Self.decode(Self.document) == .imageNet)
  }

  @Test(
    "Every contract survives JSON",
    arguments: [
      (ResizeRule.none, CropRule.center(height: 7, width: 9), Preprocessing.PixelRange.unit),
      (.none, .center(height: 7, width: 9, rounding: .down), .unit),
      (.none, .center(height: 7, width: 9, rounding: .floor), .unit),
      (.shorterSide(size: 1, filter: .bicubic), .center(height: 4096, width: 1), .byte),
      (.exact(height: 32, width: 31, filter: .nearest), .none, .unit),
      (
        .letterbox(
          height: 5, width: 6, filter: .lanczos, fill: Colour(red: 1, green: 2, blue: 3)),
        .none, .byte
      ),
    ])
  func roundTrip(
    resize: ResizeRule, crop: CropRule, range: Preprocessing.PixelRange
  ) throws {
    var policies = ImagePolicies()
    policies.alpha = .compose(red: 1, green: 2, blue: 3)
    policies.grey = .refuse
    policies.cmyk = .refuse
    policies.sixteenBit = .refuse
    policies.exifOrientation = .ignore
    policies.colourProfile = .sRGB
    let contract = try Preprocessing(
      resize: resize, crop: crop, channelOrder: .bgr, mean: [0.1, 0.2, 123.675], std: [1, 2, 300],
      range: range, policies: policies, exact: true)
    let data = try JSONEncoder().encode(contract)
    #expect(try JSONDecoder().decode(Preprocessing.self, from: data) == contract)
  }

  @Test("A contract for bands survives JSON, and needs no channel order unless bands are 1 or 3")
  func bands() throws {
    var policies = ImagePolicies.forBands
    policies.alpha = .band
    for count in [1, 2, 3, 4, 32] {
      let contract = try Preprocessing(
        resize: .exact(height: 9, width: 8, filter: .box), crop: .none, channelOrder: .bands,
        mean: (0..<count).map { Float(100 * $0) }, std: (0..<count).map { Float($0 + 1) },
        range: .word, policies: policies)
      #expect(contract.channelCount == count)
      let data = try JSONEncoder().encode(contract)
      #expect(try JSONDecoder().decode(Preprocessing.self, from: data) == contract)
    }
    let resize = #""resize": {"rule": "exact", "height": 9, "width": 8}"#
    let short = try Self.decode(#"{\#(resize), "mean": [0, 0], "std": [1, 1], "range": 1}"#)
    #expect(short.channelOrder == .bands && short.policies == .forBands)
    let named = try Self.decode(
      #"{\#(resize), "mean": [0, 0, 0], "std": [1, 1, 1], "channel_order": "bands", "range": 1}"#)
    #expect(named.channelOrder == .bands && named.channelCount == 3)
  }

  @Test("A contract for grey input survives JSON and needs no channel order")
  func grey() throws {
    let contract = try Preprocessing(
      resize: .exact(height: 28, width: 28, filter: .box), crop: .none, channelOrder: .grey,
      mean: [0.1307], std: [0.3081])
    #expect(contract.channelCount == 1)
    let data = try JSONEncoder().encode(contract)
    #expect(try JSONDecoder().decode(Preprocessing.self, from: data) == contract)
    #expect(
      try Self.decode(
        """
        {"resize": {"rule": "exact", "height": 28, "width": 28, "filter": "box"},
         "mean": [0.1307], "std": [0.3081]}
        """) == contract)
  }

  /// The first three are of timm's models: `math.floor(size / crop_pct)` in Python.
  @Test(
    "A crop fraction becomes the resize of timm",
    arguments: [
      ("center", 224, 224, 0.875, ResizeRule.shorterSide(size: 256, filter: .bicubic)),
      ("center", 224, 224, 0.95, .shorterSide(size: 235, filter: .bicubic)),
      ("center", 288, 288, 0.9, .shorterSide(size: 320, filter: .bicubic)),
      ("center", 224, 224, 1, .shorterSide(size: 224, filter: .bicubic)),
      ("squash", 224, 160, 0.9, .exact(height: 248, width: 177, filter: .bicubic)),
    ])
  func cropFraction(
    mode: String, height: Int, width: Int, fraction: Double, expected: ResizeRule
  ) throws {
    let contract = try Self.decode(
      """
      {"resize": {"rule": "crop_fraction", "fraction": \(fraction), "mode": "\(mode)",
                  "filter": "bicubic"},
       "crop": {"rule": "center", "height": \(height), "width": \(width)},
       "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}
      """)
    #expect(contract.resize == expected)
    #expect(contract.outputSize == (height, width))
  }

  @Test("The reference's contracts are contracts, and its table has every key")
  func reference() throws {
    let path = #filePath.replacing(
      "Tests/ImagingTests/PreprocessingTests.swift", with: "docs/models.md")
    let page = try String(contentsOfFile: path, encoding: .utf8)
    let blocks = page.split(separator: "```json\n").dropFirst().map { $0.prefix { $0 != "`" } }
    let contracts = try blocks.filter { $0.contains("\"resize\"") }.map {
      try Self.decode(String($0))
    }
    try #require(contracts.count == 3)
    #expect(contracts[0] == .imageNet)
    #expect(contracts[1].resize == .shorterSide(size: 235, filter: .bicubic))
    #expect(contracts[2].channelOrder == .bands && contracts[2].channelCount == 13)
    let json = try JSONEncoder().encode(Preprocessing.imageNet)
    let keys = try JSONDecoder().decode([String: Ignored].self, from: json).keys
    for key in keys {
      #expect(page.contains("\n| `\(key)` |"), "\(key)")
      #expect(blocks.contains { $0.contains("\"\(key)\":") }, "\(key)")
    }
  }

  private struct Ignored: Decodable {
    init(from decoder: any Decoder) {}
  }

  @Test("Keys that are left out have their documented defaults")
  func defaults() throws {
    let contract = try Self.decode(
      """
      {"resize": {"rule": "shorter_side", "size": 256}, "alpha": {},
       "crop": {"rule": "center", "height": 224, "width": 224},
       "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
      """)
    #expect(contract == .imageNet)
    #expect(
      try Self.decode(
        """
        {"resize": {"rule": "exact", "height": 32, "width": 32},
         "mean": [0.5, 0.5, 0.5], "std": [1, 1, 1]}
        """) == .cifar10(mean: [0.5, 0.5, 0.5], std: [1, 1, 1]))
  }

  @Test(
    "An unusable document is refused",
    arguments: [
      ("224, \"width\": 224", "0, \"width\": 224"), ("256", "4097"), ("256", "-1"),
      ("0.229", "0"), ("0.229", "-1"), ("0.229", "1e-45"), ("[0.485, 0.456, 0.406]", "[0.5]"),
      ("bilinear", "area"), ("center", "none"), ("[255, 255, 255]", "[255, 255]"),
      ("[255, 255, 255]", "[255, 255, 256]"), ("false", "\"no\""), ("false", "2"),
      ("\"rgb\"", "\"rbg\""), ("\"mean\"", "\"middle\""),
      ("0.485", "1e39"), ("0.229", "true"), ("\"size\": 256", "\"size\": 256.5"),
    ])
  func unusable(part: String, replacement: String) {
    let json = Self.document.replacing(part, with: replacement)
    #expect(json != Self.document)
    #expect(throws: ImagingError.self) { try Self.decode(json) }
  }

  @Test(
    "A contract made in the program is checked in the same way",
    arguments: [
      [Float.nan, 0, 0], [.infinity, 0, 0], [0, 0], [0, 0, 0, 0],
    ])
  func unusableMean(mean: [Float]) {
    #expect(throws: ImagingError.self) {
      try Preprocessing.cifar10(mean: mean, std: [1, 1, 1])
    }
  }
}
