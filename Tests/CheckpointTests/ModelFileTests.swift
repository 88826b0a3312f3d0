import Checkpoint
import Foundation
import HostileFiles
import Imaging
import ResNet
import Testing

@Suite struct ModelFileTests {
  private let folder = FileManager.default.temporaryDirectory
    .appendingPathComponent("resnetd-checkpoint-\(UUID().uuidString)")

  private func withFolder(_ body: (String) throws -> Void) throws {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(at: folder) }
    try body(folder.path)
  }

  private func model() throws -> Model {
    let tensors = try SmallNetworks.tensors(of: SmallNetworks.basic)
    var provenance = Provenance()
    provenance.data = "made up, \"quoted\" and ünïcode"
    provenance.accuracy = 0.5
    return try Model(
      name: "small", architecture: SmallNetworks.basic, weights: Weights(tensors),
      Model.Contents(
        labels: ["a", "b\u{1F408}", "c d"],
        preprocessing: .cifar10(mean: [0.1, 0.2, 0.3], std: [0.4, 0.5, 0.6]),
        provenance: provenance,
        goldenSamples: [GoldenSample(encodedImage: [1, 2, 3], logits: [0.5, -1, 2])]))
  }

  @Test("What is written is what is read, and its version is the file's SHA-256")
  func roundTrip() throws {
    let model = try model()
    try withFolder { folder in
      try model.write(to: folder + "/m.safetensors")
      let read = try Model.load(path: folder + "/m.safetensors")
      #expect(read.name == model.name && read.labels == model.labels)
      #expect(read.architecture == model.architecture)
      #expect(read.preprocessing == model.preprocessing)
      #expect(read.provenance == model.provenance)
      #expect(read.goldenSamples == model.goldenSamples)
      #expect(read.version == model.version)
      try read.write(to: folder + "/again.safetensors")
      let bytes = try ["m", "again"].map {
        try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\($0).safetensors"))
      }
      #expect(bytes[0] == bytes[1])
      let files = try FileManager.default.contentsOfDirectory(atPath: folder)
      #expect(files.sorted() == ["again.safetensors", "m.safetensors"])
    }
  }

  @Test("Golden samples hold for the file's own contract, and are left out beside another one")
  func samplesOfAnotherContract() throws {
    let model = try model()
    try withFolder { folder in
      let path = folder + "/m.safetensors"
      try model.write(to: path)
      var options = ModelOptions(preprocessing: model.preprocessing)
      #expect(try Model.load(path: path, options: options).goldenSamples == model.goldenSamples)
      options.preprocessing = try .cifar10(mean: [0, 0, 0], std: [1, 1, 1])
      let other = try Model.load(path: path, options: options)
      #expect(other.goldenSamples.isEmpty)
      #expect(other.warnings.contains { $0.contains("golden samples") })
    }
  }

  @Test("What a file may not hold, no model can be made of")
  func unusableParts() throws {
    var tensors = try SmallNetworks.tensors(of: SmallNetworks.basic)
    func make(_ samples: [GoldenSample] = []) throws {
      _ = try Model(
        name: "small", architecture: SmallNetworks.basic, weights: Weights(tensors),
        Model.Contents(
          labels: ["a", "b", "c"], preprocessing: .cifar10(mean: [0, 0, 0], std: [1, 1, 1]),
          goldenSamples: samples))
    }
    try make()
    for (image, logits) in [([], [0, 0, 0]), ([1], [0, 0]), ([1], [0, .nan, 0])]
      as [([UInt8], [Float])]
    {
      #expect(throws: CheckpointError.self) {
        try make([GoldenSample(encodedImage: image, logits: logits)])
      }
    }
    tensors["fc.bias"] = Tensor(shape: [3], storage: [0, .infinity, 0])
    #expect(throws: CheckpointError.self) { try make() }
  }

  @Test("Integers are no parameters")
  func integers() throws {
    let header = #"{"conv1.weight":{"dtype":"I32","shape":[1],"data_offsets":[0,4]}}"#
    let bytes = SafetensorsBytes.file(header: header, data: [0, 0, 0, 0])
    #expect {
      try Model.load(bytes: bytes, fileName: "x", options: ModelOptions(labels: ["a"]))
    } throws: {
      "\($0)".contains("conv1.weight (byte 73): its numbers are I32")
    }
  }

  @Test("A file that cannot be written leaves what was there, and nothing half-written")
  func atomicity() throws {
    let model = try model()
    try withFolder { folder in
      // A folder has the name that the file is to get.
      try FileManager.default.createDirectory(
        atPath: folder + "/m.safetensors/kept", withIntermediateDirectories: true)
      #expect(throws: CheckpointError.self) { try model.write(to: folder + "/m.safetensors") }
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["m.safetensors"])
      #expect(throws: CheckpointError.self) { try model.write(to: folder + "/none/m") }
    }
  }

  @Test(
    "Labels are one per line; empty ones, controls and other encodings are refused",
    arguments: [
      (Array("cat\r\n dog \nbird".utf8), ["cat", "dog", "bird"]), (Array("cat\n".utf8), ["cat"]),
      ([], nil), (Array("a\n\nb".utf8), nil), (Array("a\u{7}".utf8), nil), ([0xff, 0xfe], nil),
    ] as [([UInt8], [String]?)])
  func labels(bytes: [UInt8], expected: [String]?) throws {
    try withFolder { folder in
      let path = folder + "/labels.txt"
      try Data(bytes).write(to: URL(fileURLWithPath: path))
      if let expected {
        #expect(try Labels.read(path: path) == expected)
      } else {
        #expect(throws: CheckpointError.self) { try Labels.read(path: path) }
      }
    }
  }

  @Test(
    "The document inside is checked",
    arguments: [
      (#"{"format_version":2}"#, "format version 2"), ("{", "JSON"), ("[]", "not an object"),
      (#"{"format_version":1}"#, "name is missing"),
      (#"{"format_version":1,"name":"a","name":"b"}"#, "duplicate object key"),
    ])
  func documents(document: String, expected: String) {
    let escaped = document.replacing("\"", with: "\\\"")
    let bytes = SafetensorsBytes.file(header: #"{"__metadata__":{"resnetd":"\#(escaped)"}}"#)
    do {
      _ = try Model.load(bytes: bytes, fileName: "x")
      Issue.record("it passed")
    } catch {
      guard case .metadata(let reason) = error else {
        Issue.record("\(error)")
        return
      }
      #expect(reason.contains(expected), "\(reason)")
    }
  }

  @Test("A contract inside a file is read as strictly as one from outside")
  func contractInside() throws {
    for (part, replacement, expected) in [
      (#""mean""#, #""chanel_order":"bgr","mean""#, #"unknown key "chanel_order" (did you mean"#),
      ("bilinear", "area", #"preprocessing: resize.filter is "area"; allowed are bilinear"#),
    ] {
      var file = GraphFile()
      file.document = file.document.replacing(part, with: replacement)
      let bytes = try file.bytes
      #expect {
        _ = try Model.load(bytes: bytes, fileName: "x")
      } throws: { error in
        guard case CheckpointError.metadata(let reason) = error else { return false }
        return reason.contains(expected)
      }
    }
  }

  @Test("Half precision is read as the numbers that it holds")
  func halfPrecision() throws {
    let tensors = try SmallNetworks.tensors(of: SmallNetworks.basic)
    for (type, one) in [("F16", [0x00, 0x3c]), ("BF16", [0x80, 0x3f])] as [(String, [UInt8])] {
      var members: [String] = []
      var data: [UInt8] = []
      for (name, tensor) in tensors {
        let start = data.count
        for _ in 0..<tensor.shape.reduce(1, *) { data += one }
        members.append(
          #""\#(name)":{"dtype":"\#(type)","shape":\#(tensor.shape),"#
            + #""data_offsets":[\#(start),\#(data.count)]}"#)
      }
      let bytes = SafetensorsBytes.file(
        header: "{\(members.joined(separator: ","))}", data: data)
      let model = try Model.load(
        bytes: bytes, fileName: "half", options: ModelOptions(labels: ["a", "b", "c"]))
      let weight = try #require(model.weights["fc.weight"])
      #expect(weight.withValues { values in values.indices.allSatisfy { values[$0] == 1 } })
    }
  }
}
