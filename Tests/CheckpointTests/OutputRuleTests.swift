import Checkpoint
import Foundation
import HostileFiles
import Imaging
import ResNet
import Testing

/// What a network's outputs mean, as a file says it, an option gives it, or nobody does.
@Suite struct OutputRuleTests {
  private static func network(classCount: Int) -> Architecture {
    var network = SmallNetworks.basic
    network.classCount = classCount
    return network
  }

  private func bytes(of model: Model) throws -> [UInt8] {
    var bytes: [UInt8] = []
    try model.write { part in unsafe part.withUnsafeBytes { unsafe bytes.append(contentsOf: $0) } }
    return bytes
  }

  private func model(_ labels: [String], outputs: Int, _ output: OutputRule) throws -> Model {
    let network = Self.network(classCount: outputs)
    return try Model(
      name: "small", architecture: network,
      weights: Weights(SmallNetworks.tensors(of: network)),
      Model.Contents(
        labels: labels, preprocessing: .cifar10(mean: [0, 0, 0], std: [1, 1, 1]), output: output))
  }

  /// Loads plain tensors, as other tools write them.
  private func plain(
    outputs: Int, labels: [String]?, activation: OutputRule.Activation? = nil
  ) throws -> Model {
    let tensors = try SmallNetworks.tensors(of: Self.network(classCount: outputs))
    var options = ModelOptions(labels: labels)
    options.activation = activation
    return try Model.load(
      bytes: SafetensorsBytes.plain(tensors), fileName: "net.safetensors", options: options)
  }

  @Test("A rule is written and read, and the usual one leaves the file as it always was")
  func roundTrip() throws {
    var rule = OutputRule(activation: .sigmoid)
    rule.temperature = 1.5
    rule.threshold = 0.25
    rule.displayNames = ["a": "Aleph \u{1F408}"]
    let written = try model(["a", "b", "c"], outputs: 3, rule)
    let read = try Model.load(bytes: bytes(of: written), fileName: "m.safetensors")
    #expect(read.output == rule && read.version == written.version)
    #expect(read.assumptions.isEmpty)
    let usual = try bytes(of: model(["a", "b", "c"], outputs: 3, OutputRule()))
    #expect(String(decoding: usual, as: UTF8.self).contains("activation") == false)
  }

  @Test("One output needs a meaning, and with sigmoid it is the probability of the second label")
  func singleOutput() throws {
    #expect(throws: CheckpointError.singleOutput) { try plain(outputs: 1, labels: ["no", "yes"]) }
    let pair = try plain(outputs: 1, labels: ["no", "yes"], activation: .sigmoid)
    #expect(pair.output.activation == .sigmoid && pair.labels == ["no", "yes"])
    #expect(
      try plain(outputs: 1, labels: ["price"], activation: OutputRule.Activation.none)
        .output.activation == OutputRule.Activation.none)
    #expect(try plain(outputs: 1, labels: ["yes"], activation: .sigmoid).labels == ["yes"])
    #expect(throws: CheckpointError.singleOutput) {
      try plain(outputs: 1, labels: ["yes"], activation: .softmax)
    }
    #expect(throws: CheckpointError.labelCount(labels: 2, classCount: 1)) {
      try plain(outputs: 1, labels: ["no", "yes"], activation: OutputRule.Activation.none)
    }
    #expect(throws: CheckpointError.labelCount(labels: 3, classCount: 1)) {
      try plain(outputs: 1, labels: ["a", "b", "c"], activation: .sigmoid)
    }
  }

  @Test("What a plain file leaves open is said, and what an option gives is not")
  func assumptions() throws {
    let open = try plain(outputs: 3, labels: ["a", "b", "c"])
    #expect(open.assumptions.contains { $0.contains("softmax") })
    #expect(open.assumptions.contains { $0.contains("32x32") && $0.contains("mean") })
    let given = try plain(outputs: 3, labels: ["a", "b", "c"], activation: .sigmoid)
    #expect(!given.assumptions.contains { $0.contains("activation") })
  }

  @Test("An option wins over the file, and what another model completes is its rule too")
  func options() throws {
    let file = try bytes(of: model(["a", "b", "c"], outputs: 3, OutputRule(activation: .sigmoid)))
    var options = ModelOptions()
    options.activation = OutputRule.Activation.none
    #expect(
      try Model.load(bytes: file, fileName: "m", options: options).output.activation
        == OutputRule.Activation.none)
    let tensors = try SmallNetworks.tensors(of: Self.network(classCount: 1))
    options = ModelOptions()
    options.completion = ModelCompletion(
      labels: ["no", "yes"], preprocessing: try .cifar10(mean: [0, 0, 0], std: [1, 1, 1]),
      output: OutputRule(activation: .sigmoid), name: "other")
    let completed = try Model.load(
      bytes: SafetensorsBytes.plain(tensors), fileName: "m", options: options)
    #expect(completed.output.activation == .sigmoid && completed.labels == ["no", "yes"])
  }

  @Test("A key of the rule beside those of a contract is told where it belongs")
  func misplaced() throws {
    for member in ["\"activation\": \"sigmoid\"", "\"threshold\": 0.5"] {
      let error = #expect(throws: CheckpointError.self) {
        try Contract.read(
          "{\"resize\": {\"rule\": \"exact\", \"height\": 32, \"width\": 32}, \"mean\": [0, 0, 0], "
            + "\"std\": [1, 1, 1], \(member)}")
      }
      #expect(error?.description.contains("write it under output, as in \"output\"") == true)
    }
  }

  @Test("A deviation that single precision does not hold is told so")
  func tinyDeviation() throws {
    let error = #expect(throws: CheckpointError.self) {
      try Contract.read(
        "{\"resize\": {\"rule\": \"exact\", \"height\": 32, \"width\": 32}, \"mean\": [0, 0, 0], "
          + "\"std\": [1e-50, 1e-50, 1e-50]}")
    }
    #expect(
      error?.description.contains("std has 1e-50, which single precision does not hold") == true)
  }

  @Test(
    "A rule that means nothing is refused with what is allowed",
    arguments: [
      (#"{"activation": "softmx"}"#, "allowed are softmax, sigmoid, none"),
      (#"{"activation": "none", "threshold": 0.5}"#, "gives scores"),
      (#"{"temperature": 0}"#, "must be above 0"), (#"{"threshold": 1.5}"#, "allowed is 0 to 1"),
      (#"{"display_names": {"z": "Zed"}}"#, "not a label of the model"),
      (#"{"treshold": 0.5}"#, "did you mean threshold?); keys are activation, temperature"),
    ])
  func refusals(json: String, reason: String) throws {
    let error = #expect(throws: (any Error).self) {
      let rule = try JSONDecoder().decode(OutputRule.self, from: Data(json.utf8))
      _ = try model(["a", "b", "c"], outputs: 3, rule)
    }
    #expect("\(try #require(error))".contains(reason))
  }
}
