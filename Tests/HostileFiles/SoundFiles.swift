import ResNet

/// Files of every format that a server takes, of networks with ten classes for 32x32 pixels:
/// hostile ones are made from them.
package enum SoundFiles {
  static let labels = (0..<10).map { "class \($0)" }

  static let preprocessing = """
    {"resize": {"rule": "exact", "height": 32, "width": 32, "filter": "bilinear"},
     "crop": {"rule": "none"}, "mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25]}
    """

  static let architecture = """
    {"stem": "cifar", "block": "basic", "stages": [{"blocks": 1, "width": 4},
     {"blocks": 1, "width": 8}], "shortcut": "A", "class_count": 10, "input_size": 32}
    """

  /// Returns the `resnetd` document of a file.
  static func document(
    architecture: String? = nil, labels: [String] = labels, preprocessing: String = preprocessing,
    more: String = ""
  ) -> String {
    let architecture = architecture.map { #""architecture": \#($0),"# } ?? ""
    let texts = labels.map { "\"\($0)\"" }.joined(separator: ",")
    return """
      {"format_version": 1, "name": "small", \(architecture) "labels": [\(texts)],
       "preprocessing": \(preprocessing)\(more)}
      """
  }

  /// Native safetensors.
  package static let native = SafetensorsParts(
    document: document(architecture: architecture), tensors: tensors
  ).bytes

  /// Safetensors without labels.
  package static let plain = SafetensorsParts(tensors: tensors).bytes

  package static let archive = ZipBytes(pickle: stateDictionary, storages: storages).bytes

  package static let stream = PickleBytes.stream(
    stateDictionary, storages: storages.map { ($0.key, Int64($0.data.count / 4), $0.data) })

  package static let onnx = ModelFile.classifier.bytes

  /// Tensors in the order of their names.
  static let tensors: [SafetensorsParts.Part] = {
    var network = SmallNetworks.basic
    network.classCount = 10
    let tensors = (try? SmallNetworks.tensors(of: network)) ?? [:]
    return tensors.sorted { $0.key < $1.key }.map { name, tensor in
      .init(name: name, shape: tensor.shape, data: bytes(of: tensor))
    }
  }()

  private static func bytes(of tensor: Tensor) -> [UInt8] {
    tensor.withValues { values in
      values.indices.flatMap { PickleBytes.little(values[$0].bitPattern).bytes }
    }
  }

  static var storages: [(key: String, data: [UInt8])] {
    tensors.enumerated().map { ("\($0.offset)", $0.element.data) }
  }

  /// A state dict with a storage for each tensor.
  static let stateDictionary: [UInt8] = {
    let items = tensors.enumerated().map { ($0.element.name, tensor($0.offset, $0.element)) }
    return PickleBytes.dictionary(items).pickle()
  }()

  private static func tensor(_ index: Int, _ part: SafetensorsParts.Part) -> PickleBytes {
    var strides: [Int] = []
    var stride = 1
    for dimension in part.shape.reversed() {
      strides.append(stride)
      stride *= dimension
    }
    return .tensor(.storage("\(index)", count: stride), part.shape, strides.reversed())
  }
}
