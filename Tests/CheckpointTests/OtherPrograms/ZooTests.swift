import Checkpoint
import Engine
import Foundation
import HostileFiles
import Imaging
import ResNet
import Testing

/// Networks of PyTorch's world, read by the names and shapes of their tensors, against the logits
/// that PyTorch computes (`Fixtures/make-zoo.py`).
@Suite struct ZooTests {
  struct Network: Decodable, CustomTestStringConvertible, Sendable {
    let name: String
    let arch: String
    let input: [Int]?
    let tensors: [String: [Int]]
    let logits: [Float]?
    let refused: String?

    var testDescription: String { name }

    /// The network's state dict as a file.
    var file: [UInt8] {
      SafetensorsBytes.plain(
        Dictionary(
          uniqueKeysWithValues: tensors.map { name, shape in
            (name, Tensor(shape: shape, storage: ZooTests.numbers(name, shape)))
          }))
    }
  }

  static let all: [Network] = {
    do {
      return try JSONDecoder().decode([Network].self, from: Data(Fixtures.bytes("zoo.json")))
    } catch { preconditionFailure("zoo.json: \(error)") }
  }()

  /// Numbers from a hash of the name (FNV-1a) and the index (the finaliser of MurmurHash3), as the
  /// script makes them.
  static func numbers(_ name: String, _ shape: [Int]) -> [Float] {
    let seed = name.utf8.reduce(UInt32(0x811C_9DC5)) { ($0 ^ UInt32($1)) &* 0x0100_0193 }
    let fanIn = shape.dropFirst().reduce(1, *)
    let bits = Int.bitWidth - fanIn.leadingZeroBitCount
    let scale = Float(sign: .plus, exponent: 3 - bits / 2, significand: 1)
    return (0..<shape.reduce(1, *)).map { index in
      var hash = seed &+ UInt32(truncatingIfNeeded: index) &* 0x9E37_79B9
      hash ^= hash >> 16
      hash &*= 0x85EB_CA6B
      hash ^= hash >> 13
      hash &*= 0xC2B2_AE35
      hash ^= hash >> 16
      let unit = Float(hash >> 8) * 0x1p-24
      if name == "x" { return (unit - 0.5) * 4 }
      if name.hasSuffix(".p") { return unit * 2 + 2 }
      if name.hasSuffix("running_var") { return unit + 0.5 }
      if name.hasSuffix("running_mean") || name.hasSuffix("bias") { return (unit - 0.5) * 0.25 }
      return shape.count == 1 ? 0.75 + unit * 0.5 : (unit - 0.5) * scale
    }
  }

  private func load(_ network: Network, as arch: String) throws -> Model {
    var options = ModelOptions(name: "zoo")
    options.numbersClasses = true
    if !arch.isEmpty { options.variant = try NetworkVariant(arch) }
    if let input = network.input {
      let order = input[0] == 1 ? "grey" : input[0] == 3 ? "rgb" : "bands"
      let zeros = [String](repeating: "0", count: input[0]).joined(separator: ", ")
      let ones = zeros.replacing("0", with: "1")
      options.preprocessing = try Contract.read(
        #"""
        {"resize": {"rule": "exact", "height": \#(input[1]), "width": \#(input[2]),
         "filter": "bilinear"}, "crop": {"rule": "none"}, "channel_order": "\#(order)",
         "mean": [\#(zeros)], "std": [\#(ones)], "range": 1}
        """#
      ).preprocessing
    }
    return try Model.load(bytes: network.file, fileName: "zoo.safetensors", options: options)
  }

  /// Largest difference from the known logits, as a share of the largest of them.
  private func distance(_ model: Model, _ network: Network) throws -> Float {
    let known = try #require(network.logits)
    let image = Self.numbers("x", try #require(network.input))
    let compiled = try CompiledNetwork(model.graph, model.weights, options: CompilationOptions())
    var logits = [Float](repeating: 0, count: compiled.outputCount)
    try #require(logits.count == known.count)
    var output = logits.mutableSpan
    try ExecutionContext(compiled).run(imageCount: 1, input: image.span, logits: &output)
    let largest = known.reduce(0) { max($0, abs($1)) }
    return zip(logits, known).reduce(0) { max($0, abs($1.0 - $1.1)) } / largest
  }

  @Test("Each network gives PyTorch's logits", arguments: all.filter { $0.refused == nil })
  func logits(network: Network) throws {
    let model = try load(network, as: network.arch)
    #expect(try distance(model, network) < 1e-4)
    // As the file that is written of it.
    var written: [UInt8] = []
    try model.write { bytes throws(CheckpointError) in
      written += unsafe bytes.withUnsafeBytes { unsafe [UInt8]($0) }
    }
    let again = try Model.load(bytes: written, fileName: "written.safetensors")
    let version = try model.versionedAsWritten().version
    #expect(again.assumptions.isEmpty && again.version == version)
    #expect(try distance(again, network) < 1e-4)
  }

  @Test(
    "A variant that tensors do not show makes a difference, and is assumed to be the usual one",
    arguments: all.filter { $0.refused == nil && !$0.arch.isEmpty })
  func variants(network: Network) throws {
    let usual: Model
    do { usual = try load(network, as: "") } catch { return }
    #expect(!usual.assumptions.isEmpty)
    let difference = try distance(usual, network)
    // Two of them say what is usual.
    let isUsual = ["stem-3x3-1-none", "named"].contains(network.name)
    #expect((difference > 1e-4) != isUsual, "\(difference)")
  }

  @Test("What stands beside the first and last channel of ECA is told, unless it is said")
  func edgesOfAttention() throws {
    let network = try #require(Self.all.first { $0.name == "timm-ceca" })
    let words = "zeros stand beside the first and last channel of ECA"
    #expect(try load(network, as: "").assumptions.contains { $0.hasPrefix(words) })
    for arch in ["attention-padding=zeros", "attention-padding=circular"] {
      #expect(try !load(network, as: arch).assumptions.contains { $0.hasPrefix(words) })
    }
    let other = try #require(Self.all.first { $0.name == "timm-se" })
    #expect(try !load(other, as: "").assumptions.contains { $0.contains("ECA, as of") })
  }

  @Test("A face network's images, outputs and labels are known without a word")
  func faces() throws {
    for (name, side) in [("iresnet", 32), ("iresnet-large", 48)] {
      let network = try #require(Self.all.first { $0.name == name })
      let model = try Model.load(bytes: network.file, fileName: "face.safetensors")
      #expect(model.preprocessing.outputSize == (side, side))
      #expect(model.preprocessing.mean == [0.5, 0.5, 0.5])
      #expect(model.output.activation == .none)
      #expect(model.labels == (0..<6).map(String.init))
      #expect(model.assumptions.contains { $0.contains("iresnet") })
      #expect(model.assumptions.contains { $0.contains("embedding") })
      var options = ModelOptions()
      options.activation = .softmax
      let other = try Model.load(bytes: network.file, fileName: "face.pth", options: options)
      #expect(other.output.activation == .softmax)
    }
  }

  @Test("Where normalisations are merged into convolutions, none of their biases may be missing")
  func biases() throws {
    let whole = try #require(Self.all.first { $0.name == "fused" })
    for name in ["conv1.bias", "layer2.0.conv1.bias", "layer2.0.downsample.0.bias"] {
      var tensors = whole.tensors
      #expect(tensors.removeValue(forKey: name) != nil)
      let part = Network(
        name: name, arch: "", input: whole.input, tensors: tensors, logits: nil, refused: nil)
      do {
        _ = try load(part, as: "")
        Issue.record("it passed without \(name)")
      } catch let error as CheckpointError {
        #expect(error.description.contains("tensor \(name) is missing"), "\(error)")
      }
    }
  }

  @Test(
    "What cannot be right is refused with what to do", arguments: all.filter { $0.refused != nil })
  func refusals(network: Network) throws {
    do {
      _ = try load(network, as: network.arch)
      Issue.record("it passed")
    } catch let error as CheckpointError {
      #expect(error.description.contains(network.refused ?? ""), "\(error)")
    }
  }
}
