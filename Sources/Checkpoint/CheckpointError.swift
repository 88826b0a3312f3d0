package import Files

/// Reason why a model file, a labels file or a model cannot be used, with the tensor and the byte.
package enum CheckpointError: Error, Hashable, CustomStringConvertible {
  /// Failure of a system call: `doing` is what was tried, `reason` is the system's message.
  case file(path: String, doing: String, reason: String)
  /// The bytes are not a file of the format; `offset` counts from the file's first byte.
  case malformed(format: FileFormat, offset: Int, reason: String)
  /// The bytes are those of something else, which `found` names; `remedy` makes a model of it.
  case notModel(found: String, remedy: String? = nil)
  /// The bytes are not an ONNX model that can be read here; `reason` is in the reader's words.
  case onnx(reason: String)
  /// A pickle names what would run a program or code where Python loads it.
  case refused(name: String, offset: Int)
  case overLimit(what: String, value: Int, limit: Int)
  /// A tensor's declaration or numbers are unusable; `offset` is where its bytes start in the file.
  case tensor(name: String, offset: Int, reason: String)
  /// The network needs a tensor that the file does not have.
  case missingTensor(name: String, expected: [Int])
  case tensorShape(name: String, offset: Int, expected: [Int], actual: [Int])
  /// The file has a tensor that the network does not read, so the answers would be wrong.
  case unknownTensor(name: String, offset: Int)
  /// A network outside the residual family as this program knows it.
  case unsupported(String)
  /// A node of an ONNX graph that is not read, or not as it is; the string names it and what is wrong.
  case unreadNode(String)
  /// What was said of the network's variant cannot be understood, or is not that of the tensors; or
  /// it must be said.
  case variant(String)
  /// A fault in the `resnetd` document inside the file, or in what is to become one.
  case metadata(reason: String)
  /// A fault in a preprocessing contract from outside the file.
  case contract(source: String, reason: String)
  /// A fault in what is told of a model's origin from outside its file.
  case provenance(source: String, reason: String)
  /// The file holds several complete networks, and nobody said which one is meant.
  case severalWeights(names: [String])
  /// No weights have the name that was asked for.
  case noWeights(name: String, names: [String])
  /// A variant was given for a file that says itself what its network is.
  case statedVariant
  /// Weights were chosen by name in a file of a single network.
  case oneNetwork
  /// No labels, or others than the network needs, which `found` names.
  case labelsMissing(classCount: Int, found: String? = nil)
  /// The network has one output, and nothing says what it means.
  case singleOutput
  /// The graph ends in something that makes no logits, which the string names, and nothing says what
  /// its outputs mean, or an activation that would be applied to probabilities.
  case unclearOutputs(String, onlyScores: Bool)
  /// An ONNX file has several outputs with these names, which the string tells of, and nobody said
  /// which one has the classes.
  case severalOutputs(String, names: [String])
  /// The labels were to come from another model, but it has another number of classes.
  case labelsOfAnother(count: Int, classCount: Int)
  case labelCount(labels: Int, classCount: Int)
  case labels(path: String, line: Int, reason: String)
  /// Weights alone were asked for, which are useless without the model's own graph.
  case graphOfItsOwn
  case outOfMemory(byteCount: Int)
  /// The caller no longer wants the model.
  case cancelled

  /// Returns whether a tensor is of a stage, not of anything that may be a classifier.
  private static func isOfBody(_ name: String) -> Bool {
    name.split(separator: ".").contains { part in
      ["layer", "stage", "block"].contains { part.hasPrefix($0) }
    }
  }

  /// Returns the first of some names, "." for those of the outermost dictionary.
  private static func shown(_ names: [String]) -> String {
    let limit = 8
    return names.prefix(limit).map { $0.isEmpty ? "." : String($0.prefix(80)) }
      .joined(separator: ", ") + (names.count > limit ? ", …" : "")
  }

  /// What to do with a file that lacks its end.
  static let cutShort = "the file is not complete; fetch or copy it again and compare its size"

  /// Whether the tensors may be those of another variant of a network.
  package var mayDependOnVariant: Bool {
    switch self {
    case .unsupported, .variant, .missingTensor, .tensorShape, .unknownTensor, .tensor: true
    default: false
    }
  }

  package init(_ error: FileError) {
    self = .file(path: error.path, doing: error.doing, reason: error.reason)
  }

  package var description: String {
    switch self {
    case .file(let path, let doing, let reason): "cannot \(doing) \(path): \(reason)"
    case .malformed(let format, let offset, let reason):
      "not a valid \(format) file: byte \(offset): \(reason)"
    case .notModel(let found, let remedy):
      "not a model file: \(found); "
        + (remedy
          ?? "models are safetensors, PyTorch (what torch.save makes of a state dict) and ONNX files")
    case .onnx(let reason): reason
    case .refused(let name, let offset):
      "refuses \(name) (byte \(offset)): this pickle runs programs where Python loads it; take the "
        + "file from where you trust it, or save the network's state_dict anew"
    case .overLimit(let what, let value, let limit): "\(what): \(value), at most \(limit) allowed"
    case .tensor(let name, let offset, let reason): "tensor \(name) (byte \(offset)): \(reason)"
    case .missingTensor(let name, let expected):
      "tensor \(name) is missing; the network needs it with shape \(expected): the file is not whole, or "
        + "the network is another one, which is read as ONNX"
    case .tensorShape(let name, let offset, let expected, let actual):
      "tensor \(name) (byte \(offset)): shape \(actual), the network needs \(expected); if it is "
        + "built otherwise, export it as ONNX"
    case .unknownTensor(let name, let offset):
      "tensor \(name.prefix(80)) (byte \(offset)) is not part of the network, so that it is another network: "
        + "export it as ONNX"
        + (Self.isOfBody(name) || !(name.hasSuffix(".weight") || name.hasSuffix(".bias"))
          ? "" : ", or say which module is its classifier (--arch head=NAME)")
    case .unsupported(let what), .severalOutputs(let what, _): "unsupported network: \(what)"
    case .unreadNode(let what):
      "unsupported network: \(what); what may help: export it anew with images of one size and, from PyTorch, by "
        + "torch.onnx.export(…, dynamo=False, opset_version=17), or write that part of the network in "
        + "operators that are read (docs/models.md#operators)"
    case .variant(let reason): "the network's variant (--arch): \(reason)"
    case .metadata(let reason): "model metadata: \(reason)"
    case .contract(let source, let reason): "preprocessing contract: \(source): \(reason)"
    case .provenance(let source, let reason): "provenance: \(source): \(reason)"
    case .severalWeights(let names):
      "the file holds several networks: \(Self.shown(names)); choose one (--weights NAME, "
        + "in an upload ?weights=NAME)"
    case .noWeights(let name, let names):
      "the file has no weights \"\(name.prefix(40))\", it has \(Self.shown(names))"
    case .statedVariant:
      "the file says itself what its network computes, so there is no variant to choose (--arch)"
    case .oneNetwork:
      "the file is of a form that holds one network, so there are no weights to choose (--weights)"
    case .labelsMissing(let classCount, let found):
      "the file contains no labels\(found.map { " that fit (\($0))" } ?? ""); give a file with \(classCount) labels, one per line (--labels)"
    case .singleOutput:
      "the network has one output, whose softmax is always 1, and nothing says what it means; give the activation (--activation): sigmoid "
        + "with two labels for the probability of the second, sigmoid with one label for its own, none for a score"
    case .unclearOutputs(let what, onlyScores: true):
      "the graph ends in \(what), of whose results a softmax or sigmoid would make no probabilities; "
        + "--activation none answers them as they are, as scores; or export the network up to its "
        + "logits and give the activation that they need"
    case .unclearOutputs(let what, onlyScores: false):
      "the graph ends in \(what), whose results may be no logits, and nothing says what they mean; give "
        + "the activation (--activation): none answers them as they are, as scores; softmax or sigmoid "
        + "makes probabilities of them, if the network was trained so"
    case .labelsOfAnother(let count, let classCount):
      "the file contains no labels, and its network has \(classCount) classes, not the \(count) of the other model"
    case .labelCount(let labels, let classCount):
      "\(labels) \(labels == 1 ? "label" : "labels") for a network with \(classCount) "
        + (classCount == 1 ? "output" : "classes")
        + (labels == 1 ? "; a file has one label per line, or a JSON list" : "")
        + (labels > 1 && classCount > 1
          ? "; give one for each class, in their order (--labels)" : "")
        + (classCount == 1 && labels == 2
          ? "; two need --activation sigmoid, the probability of the second" : "")
    case .labels(let path, let line, let reason): "\(path), line \(line): \(reason)"
    case .graphOfItsOwn:
      "its weights alone are of no use: a plain file is read as one of torchvision's networks with square "
        + "images, and this network is not quite such (another maker's stem or blocks, --hidden, images that are not "
        + "square); write it as onnx for other tools, or as native for resnetd (--to)"
    case .cancelled: "it was cancelled"
    case .outOfMemory(let byteCount):
      "out of memory: reading it takes \(byteCount) bytes more; allow more memory, or write it in single precision, which "
        + "needs none, where there is more (resnetd convert)"
    }
  }
}

extension SHA256 {
  /// Begins a digest of a model's bytes.
  package static func begin() throws(CheckpointError) -> SHA256 {
    do throws(DigestError) { return try SHA256() } catch {
      switch error {
      case .outOfMemory: throw .outOfMemory(byteCount: 0)
      case .unsupported: throw .unsupported(error.description)
      }
    }
  }
}
