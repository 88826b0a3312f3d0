import Checkpoint
import Foundation
import Imaging
import ResNet
import Testing

/// Folders as Hugging Face and timm publish models; Fixtures/make-folders.py makes them.
@Suite struct ModelFolderTests {
  private static let labels = ["cat", "dog", "hen"]

  private func load(_ path: String, labels: [String]? = nil) throws -> Model {
    var options = ModelOptions(labels: labels)
    options.readsExternalData = true
    return try Model.load(path: path, options: options)
  }

  private func folder(_ name: String) -> String { Fixtures.path("folders/\(name)") }

  @Test("A folder of Hugging Face gives weights, labels and contract, and says what is from where")
  func huggingFace() throws {
    let model = try load(folder("hugging-face"))
    #expect(model.labels == Self.labels && model.name == "hugging-face")
    #expect(
      model.architecture
        == Architecture(
          stem: .imageNet, block: .basic,
          stages: [.init(blocks: 1, width: 4), .init(blocks: 1, width: 8)], shortcut: .b,
          classCount: 3, inputSize: 224))
    #expect(
      try model.preprocessing
        == Preprocessing(
          resize: .shorterSide(size: 256, filter: .bicubic),
          crop: .center(height: 224, width: 224, rounding: .down), mean: [0.5, 0.5, 0.5],
          std: [0.5, 0.5, 0.5]))
    #expect(
      model.warnings == [
        "labels are those of config.json, id2label",
        "preprocessing is that of preprocessor_config.json",
      ])
    let options = try load(folder("hugging-face") + "/", labels: ["a", "b", "c"])
    #expect(options.labels == ["a", "b", "c"])
    #expect(options.warnings == ["preprocessing is that of preprocessor_config.json"])
  }

  @Test("Weights in several files of PyTorch are those in one")
  func filesOfPyTorch() throws {
    let whole = try load(folder("hugging-face"))
    let model = try load(folder("pytorch-shards"))
    #expect(model.weights.names.sorted() == whole.weights.names.sorted())
    for name in model.weights.names {
      #expect(model.weights[name]?.values == whole.weights[name]?.values, "\(name)")
    }
    #expect(model.labels == Self.labels && model.format == .pytorchArchive)
  }

  @Test("Weights in several files are those in one")
  func shards() throws {
    let whole = try load(folder("hugging-face"))
    let model = try load(folder("shards"))
    #expect(model.weights.names.sorted() == whole.weights.names.sorted())
    for name in model.weights.names {
      #expect(model.weights[name]?.values == whole.weights[name]?.values, "\(name)")
    }
    #expect(model.preprocessing.outputSize == (96, 96))
    #expect(
      model.preprocessing.resize == .exact(height: 96, width: 96, filter: .bilinear))
    #expect(model.architecture?.inputSize == 96)
  }

  @Test("Where Hugging Face's bottlenecks stride is read off its configuration")
  func strides() throws {
    let model = try load(folder("strides"))
    #expect(model.architecture?.block == .bottleneck)
    #expect(model.architecture?.stridePlacement == .in1x1)
    #expect(
      model.warnings.contains(
        "the network's variant is that of config.json: stride=v1")
    )
  }

  @Test("What Hugging Face's BiT has beside its tensors is read off its configuration")
  func bit() throws {
    let model = try load(folder("bit"))
    #expect(model.labels == Self.labels && model.architecture == nil)
    #expect(model.assumptions.allSatisfy { $0.contains("activation softmax") })
    let groups = model.graph.nodes.compactMap { node -> SampleNormalization? in
      if case .normalization(let normalization) = node.operation { normalization } else { nil }
    }
    #expect(
      !groups.isEmpty && groups.allSatisfy { $0 == SampleNormalization(.groups(4), epsilon: 1e-5) })
    #expect(model.graph.nodes.contains { $0.name == "maxpool.pad" })
    for (old, new, words) in [
      ("\"preactivation\"", "\"bottleneck\"", "only preactivation is read"),
      ("\"global_padding\": null", "\"global_padding\": \"SAME\"", "depends on the image's sides"),
      ("\"embedding_dynamic_padding\": false", "\"embedding_dynamic_padding\": true", "only false"),
      ("\"num_groups\": 4", "\"num_groups\": 0", "num_groups is from 1"),
      ("\"output_stride\": 32", "\"output_stride\": 16", "output_stride is not 32"),
    ] {
      #expect {
        try changed("bit") { try replace(old, new, in: "config.json", of: $0) }
      } throws: {
        "\($0)".contains(words)
      }
    }
  }

  @Test(
    "What the outputs mean is read off Hugging Face's configuration",
    arguments: [
      ("multi_label_classification", OutputRule.Activation.sigmoid),
      ("regression", OutputRule.Activation.none),
      ("single_label_classification", OutputRule.Activation.softmax),
    ])
  func problemType(name: String, activation: OutputRule.Activation) throws {
    let model = try changed("hugging-face") { copy in
      try replace(
        "\"model_type\"", "\"problem_type\": \"\(name)\", \"model_type\"", in: "config.json",
        of: copy)
    }
    #expect(model.output.activation == activation)
    #expect(model.warnings.contains("outputs are those of config.json, problem_type"))
    #expect(!model.assumptions.contains { $0.contains("activation") })
  }

  @Test(
    "What a processor of Hugging Face does besides is part of the contract",
    arguments: [
      ("\"ViTImageProcessor\"", 0.5, 0.5), ("\"ViTImageProcessorFast\"", 0.5, 0.5),
      // It divides by the deviation twice unless told otherwise.
      ("\"EfficientNetImageProcessor\"", 0.5, 0.25),
      ("\"EfficientNetImageProcessor\", \"include_top\": false", 0.5, 0.5),
      ("\"EfficientNetImageProcessor\", \"rescale_offset\": true", 1.5, 0.25),
    ] as [(String, Float, Float)])
  func processors(kind: String, mean: Float, std: Float) throws {
    let model = try changed("shards") {
      try replace("\"ViTImageProcessor\"", kind, in: "preprocessor_config.json", of: $0)
    }
    #expect(model.preprocessing.mean == [mean, mean, mean])
    #expect(model.preprocessing.std == [std, std, std])
    #expect(model.preprocessing.channelOrder == .rgb)
  }

  @Test(
    "A size means what its processor makes of it",
    arguments: [
      ("Levit", "{\"shortest_edge\": 84}", "\"crop_size\": 84", 96),
      ("PoolFormer", "{\"shortest_edge\": 84}", "\"crop_size\": 84", 93),
      ("PoolFormer", "84", "\"crop_size\": 84, \"crop_pct\": 0.875", 96),
      ("CLIP", "96", "\"crop_size\": 84", 96), ("DeiT", "96", "\"crop_size\": 84", nil),
      ("ConvNext", "96", "\"crop_pct\": 1", 96),
    ] as [(String, String, String, Int?)])
  func sizes(kind: String, size: String, further: String, shorter: Int?) throws {
    let model = try changed("hugging-face") { try resize($0, kind, size, further) }
    let expected: ResizeRule =
      if let shorter { .shorterSide(size: shorter, filter: .bicubic) } else {
        .exact(height: 96, width: 96, filter: .bicubic)
      }
    #expect(model.preprocessing.resize == expected)
  }

  @Test("A single size of SigLIP is that of the shorter side, and nothing crops")
  func siglip() throws {
    let reason = try failure("hugging-face") {
      try resize($0, "Siglip", "96", "\"do_center_crop\": false")
    }
    #expect(reason.contains("crop is missing or none"))
  }

  /// Has a folder name another processor and size.
  private func resize(_ folder: URL, _ kind: String, _ size: String, _ further: String) throws {
    let name = "preprocessor_config.json"
    try replace("\"crop_pct\": 0.875", further, in: name, of: folder)
    try replace("ConvNextImageProcessor", "\(kind)ImageProcessor", in: name, of: folder)
    let url = folder.appendingPathComponent(name)
    let text = try String(contentsOf: url, encoding: .utf8)
    let start = try #require(text.range(of: "\"size\": {"))
    try (text[..<start.lowerBound] + "\"size\": \(size)}")
      .write(to: url, atomically: true, encoding: .utf8)
  }

  @Test(
    "Where a crop begins follows from what the processor computes by, and what is open is told",
    arguments: [
      ("CLIPImageProcessor", 227, CropRule.Rounding.down, "the odd pixel after the image"),
      ("CLIPImageProcessor", 224, .down, nil),
      ("CLIPImageProcessorFast", 227, .down, "crops begin as in transformers 5"),
      ("CLIPImageProcessorFast", 224, .down, "crops begin as in transformers 5"),
      ("CLIPImageProcessorPil", 227, .floor, nil),
    ] as [(String, Int, CropRule.Rounding, String?)])
  func crops(kind: String, side: Int, rounding: CropRule.Rounding, told: String?) throws {
    let model = try changed("hugging-face") { copy in
      let name = "preprocessor_config.json"
      try replace("\"crop_pct\": 0.875", "\"crop_size\": \(side)", in: name, of: copy)
      try replace("ConvNextImageProcessor", kind, in: name, of: copy)
    }
    #expect(model.preprocessing.crop == .center(height: side, width: side, rounding: rounding))
    let words = model.assumptions.filter { $0.contains("transformers") }
    #expect(words.count == (told == nil ? 0 : 1), "\(words)")
    if let told { #expect(words.first?.contains(told) == true, "\(words)") }
  }

  @Test("A folder of timm gives labels and contract")
  func timm() throws {
    let model = try load(folder("timm"))
    #expect(model.labels == Self.labels)
    // floor(192 / 0.95), as timm's transforms have it.
    #expect(model.preprocessing.resize == .shorterSide(size: 202, filter: .bicubic))
    #expect(model.preprocessing.crop == .center(height: 192, width: 192))
    #expect(model.preprocessing.mean == [0.485, 0.456, 0.406])
    #expect(model.architecture?.inputSize == 192)
    #expect(
      model.warnings == [
        "labels are those of config.json, label_names",
        "preprocessing is that of config.json, pretrained_cfg",
      ])
  }

  @Test("Where a folder of timm names no filter, it is timm's own")
  func usualFilter() throws {
    let model = try changed("timm") {
      try replace("\"interpolation\": \"bicubic\",", "", in: "config.json", of: $0)
    }
    #expect(model.preprocessing.resize == .shorterSide(size: 202, filter: .bicubic))
  }

  @Test("A folder's version is that of the one file that is written of it")
  func version() throws {
    let model = try load(folder("timm"))
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("resnetd-folder-\(UUID().uuidString).safetensors").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try model.write(to: path)
    #expect(try Model.load(path: path).version == model.version)
  }

  @Test("Only a folder that the operator names is read")
  func sent() {
    #expect(throws: CheckpointError.self) { try Model.load(path: folder("timm")) }
  }

  /// Copies a folder, changes it, and loads it.
  private func changed(_ name: String, _ change: (URL) throws -> Void) throws -> Model {
    let copy = FileManager.default.temporaryDirectory
      .appendingPathComponent("resnetd-folder-\(UUID().uuidString)")
    try FileManager.default.copyItem(atPath: folder(name), toPath: copy.path)
    defer { try? FileManager.default.removeItem(at: copy) }
    try change(copy)
    return try load(copy.path)
  }

  /// Copies a folder, changes it, and returns why it is refused.
  private func failure(_ name: String, _ change: (URL) throws -> Void) throws -> String {
    do {
      _ = try changed(name, change)
      return "it passed"
    } catch {
      return "\(error)"
    }
  }

  /// Replaces text in a file of a folder.
  private func replace(
    _ old: String, _ new: String, in name: String, of folder: URL
  ) throws {
    let url = folder.appendingPathComponent(name)
    let text = try String(contentsOf: url, encoding: .utf8)
    #expect(text.contains(old))
    try text.replacingOccurrences(of: old, with: new)
      .write(to: url, atomically: true, encoding: .utf8)
  }

  @Test(
    "What a folder says and no contract or network can mean is refused by its name",
    arguments: [
      (
        "hugging-face", "config.json", "\"resnet\"", "\"vit\"",
        "model_type vit, only resnet and bit are read"
      ),
      (
        "hugging-face", "config.json", "\"model_type\"",
        "\"problem_type\": \"ranking\", \"model_type\"",
        "problem_type ranking; single_label_classification, multi_label_classification"
      ),
      (
        "hugging-face", "config.json", "\"relu\"", "\"quick_gelu\"",
        "hidden_act quick_gelu; relu, relu6"
      ),
      ("hugging-face", "config.json", "\"2\": \"hen\"", "\"3\": \"hen\"", "class 3 of 3 labels"),
      ("hugging-face", "config.json", "{", "[", "config.json: JSON: "),
      (
        "hugging-face", "preprocessor_config.json", "\"resample\": 3", "\"resample\": 5",
        "resample 5 has no equivalent, 0 to 4 (nearest to box) have"
      ),
      (
        "hugging-face", "preprocessor_config.json", "\"do_resize\"", "\"do_pad\"",
        "do_pad has no equivalent"
      ),
      (
        "hugging-face", "preprocessor_config.json", "\"shortest_edge\"", "\"longest_edge\"",
        "size has no shortest_edge"
      ),
      (
        "shards", "preprocessor_config.json", "ViTImageProcessor", "PerceiverImageProcessor",
        "the steps of PerceiverImageProcessor are not known here; known are those of Beit, Bit,"
      ),
      (
        "shards", "preprocessor_config.json", "\"resample\": 2", "\"include_top\": true",
        "include_top has no equivalent but for EfficientNetImageProcessor"
      ),
      (
        "shards", "preprocessor_config.json", "\"resample\": 2", "\"crop_size\": 2",
        "resample is missing, and versions of transformers disagree"
      ),
      (
        "shards", "preprocessor_config.json", "\"image_mean\"", "\"image_median\"",
        "image_mean is missing, so it does not say how numbers are normalised; give a contract"
      ),
      (
        "shards", "preprocessor_config.json", "\"height\": 96", "\"longest_edge\": 96",
        "size has longest_edge, which has no equivalent"
      ),
      (
        "shards", "preprocessor_config.json", "\"do_normalize\": true", "\"do_normalize\": null",
        "do_normalize is neither true nor false"
      ),
      (
        "shards", "preprocessor_config.json", "\"image_processor_type\": \"ViTImageProcessor\"",
        "\"size_divisor\": 32", "size_divisor has no equivalent"
      ),
      (
        "shards", "preprocessor_config.json", "\"resample\"", "\"crop_pct\": 0.9, \"resample\"",
        "crop_pct has no equivalent here: ViT does not crop by it"
      ),
      (
        "shards", "preprocessor_config.json", "\"do_resize\": true",
        "\"do_resize\": true, \"do_flip_channel_order\": true",
        "do_flip_channel_order is true, which the processor of ViT does not look at"
      ),
      (
        "shards", "preprocessor_config.json", "ViTImageProcessor", "MobileViTImageProcessor",
        "do_normalize is true, which the processor of MobileViT does not do"
      ),
      (
        "timm", "config.json", "\"bicubic\"", "\"hamming\"",
        "interpolation hamming has no equivalent"
      ),
      ("timm", "config.json", "\"center\"", "\"border\"", "crop_mode border for 192x192 pixels"),
      (
        "timm", "config.json", "\"resnet18\"", "\"regnet18\"",
        "architecture regnet18 is not a residual"
      ),
      (
        "timm", "config.json", "\"in_chans\": 3", "\"output_stride\": 7",
        "output_stride is 8, 16 or 32"
      ),
      ("timm", "config.json", "\"in_chans\": 3", "\"aa_layer\": \"avg\"", "model_args aa_layer"),
      (
        "timm", "config.json", "\"hen\"", "\"hen\", \"emu\"",
        "4 labels for a network with 3 classes"
      ),
      (
        "shards", "model.safetensors.index.json", "model-00002-of-00002", "../model-00002-of-00002",
        "is not the name of a .safetensors file in the same folder"
      ),
      (
        "shards", "model.safetensors.index.json", "model-00002-of-00002", "model-00003-of-00002",
        "which is not in the folder"
      ),
      (
        "pytorch-shards", "pytorch_model.bin.index.json", "pytorch_model-00002-of-00002.bin",
        "/etc/pytorch_model-00002-of-00002.bin", "is not the name of a .bin file in the same folder"
      ),
      (
        "pytorch-shards", "pytorch_model.bin.index.json", "classifier.1.bias", "classifier.1.other",
        "tensor classifier.1.bias is in pytorch_model-00001-of-00002.bin, "
          + "pytorch_model.bin.index.json says nothing of it"
      ),
      (
        "shards", "model.safetensors.index.json", "classifier.1.bias", "classifier.1.other",
        "says nothing of it"
      ),
    ])
  func refusals(
    name: String, file: String, old: String, new: String, expected: String
  ) throws {
    let reason = try failure(name) { try replace(old, new, in: file, of: $0) }
    #expect(reason.contains(expected), "\(reason)")
  }

  @Test("A folder without weights, or with several, is told by what is in it")
  func contents() throws {
    let none = try failure("timm") {
      try FileManager.default.removeItem(at: $0.appendingPathComponent("model.safetensors"))
    }
    #expect(none.contains("the folder holds config.json, and no weights that are read"), "\(none)")
    let several = try failure("timm") {
      let weights = $0.appendingPathComponent("model.safetensors")
      try FileManager.default.copyItem(at: weights, to: $0.appendingPathComponent("a.safetensors"))
      try FileManager.default.moveItem(at: weights, to: $0.appendingPathComponent("b.safetensors"))
    }
    #expect(several.contains("several files with weights: a.safetensors, b.safetensors"))
    let saved = try failure("timm") {
      try FileManager.default.moveItem(
        at: $0.appendingPathComponent("model.safetensors"),
        to: $0.appendingPathComponent("saved_model.pb"))
    }
    #expect(saved.contains("a TensorFlow SavedModel") && saved.contains("--saved-model"))
    for (names, found, remedy) in [
      (["net-symbol.json", "net-0000.params"], "an MXNet model", "mxnet.onnx.export_model"),
      (
        ["model.json", "group1-shard1of1.bin"], "as TensorFlow.js writes", "tf2onnx.convert --tfjs"
      ),
    ] {
      let reason = try failure("timm") { folder in
        try FileManager.default.removeItem(at: folder.appendingPathComponent("model.safetensors"))
        for name in names { try Data([0]).write(to: folder.appendingPathComponent(name)) }
      }
      #expect(reason.contains(found) && reason.contains(remedy), "\(reason)")
    }
    let cut = try failure("shards") {
      let url = $0.appendingPathComponent("model-00002-of-00002.safetensors")
      try Data(contentsOf: url).dropLast(100).write(to: url)
    }
    #expect(cut.contains("the file is not complete"), "\(cut)")
  }
}
