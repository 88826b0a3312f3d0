/// JSON documents that stand beside weights and are given for them, told by names in their beginnings.
///
///     {"nodes": [{"op": "null", "name": "data", …        MXNet's graph, NAME-symbol.json
///     {"format": "graph-model", "modelTopology": …       TensorFlow.js
///     {"class_name": "Functional", "config": …           Keras, by model.to_json()
///     {"architectures": ["ResNet…"], "id2label": …       Hugging Face's config.json
///     {"architecture": "resnet50", "num_classes": …      timm's
///     {"do_resize": true, "image_mean": …                preprocessor_config.json
enum ForeignJSON {
  /// Names and strings that all must be there, in their quotes, and what the file is then.
  private typealias Sign = (words: [String], file: ForeignFile)

  /// Recognises a document by its beginning; nil for any other.
  static func file(beginning text: ArraySlice<UInt8>) -> ForeignFile? {
    guard text.first == UInt8(ascii: "{") else { return nil }
    let strings = strings(in: text)
    return signs.first { $0.words.allSatisfy(strings.contains) }?.file
  }

  /// Returns what stands in quotes. A string with a quote inside gives others, which are no names.
  private static func strings(in text: ArraySlice<UInt8>) -> Set<String> {
    var strings: Set<String> = []
    let parts = text.split(separator: UInt8(ascii: "\""), omittingEmptySubsequences: false)
    for (index, part) in parts.enumerated() where index % 2 == 1 {
      strings.insert(String(decoding: part, as: UTF8.self))
    }
    return strings
  }

  private static let signs: [Sign] = [
    (["weight_map"], index), (["nodes", "op", "null"], mxNet),
    (["modelTopology", "layers-model"], layers), (["modelTopology"], graph),
    (["weightsManifest"], graph), (["tfjsVersion"], graph), (["keras_version"], keras),
    (["class_name", "config", "Functional"], keras),
    (["class_name", "config", "Sequential"], keras), (["class_name", "config", "Model"], keras),
    (["base_code", "magic", "pir"], paddle), (["image_processor_type"], processor),
    (["do_resize", "size"], processor), (["do_normalize", "image_mean"], processor),
    (["model_type"], description), (["architectures"], description),
    (["architecture", "pretrained_cfg"], description),
    (["architecture", "num_classes"], description),
  ]

  private static let index = ForeignFile(
    "it is the index of a model in several files, without the weights",
    remedy: folder)
  private static let folder =
    "give the folder with its files on a command line; for an upload make one file of it: "
    + "resnetd convert FOLDER model.safetensors"
  private static let description = ForeignFile(
    "it is the description of a model (config.json), without the weights", remedy: folder)
  private static let processor = ForeignFile(
    "it is the description of an image processor (preprocessor_config.json), without weights",
    remedy: folder)

  private static let mxNet = ForeignFile(
    "it is the graph of an MXNet model (NAME-symbol.json), without the weights",
    remedy: mxNetExport)
  /// Clause that makes ONNX of MXNet's two files.
  static let mxNetExport =
    "make ONNX of NAME-symbol.json and NAME-0000.params, in Python with MXNet 1.9: "
    + "mxnet.onnx.export_model(\"NAME-symbol.json\", \"NAME-0000.params\", "
    + "[(1, 3, 224, 224)], onnx_file_path=\"model.onnx\")"

  private static let graph = ForeignFile(
    "it is a description of a TensorFlow.js model, whose weights are in files beside it (.bin)",
    remedy: graphExport)
  private static let graphExport =
    "make ONNX of it and these: python -m tf2onnx.convert --tfjs model.json --output model.onnx"
  private static let layers = ForeignFile(
    "it is a model of layers of TensorFlow.js, whose weights are in files beside it (.bin)",
    remedy: "make a graph of it and these: tensorflowjs_converter "
      + "--input_format=tfjs_layers_model --output_format=tfjs_graph_model model.json GRAPH; then "
      + "ONNX: python -m tf2onnx.convert --tfjs GRAPH/model.json --output model.onnx")

  private static let keras = ForeignFile(
    "it is the description of a Keras model, without the weights",
    remedy: "export the model as ONNX, in Keras 3: "
      + "model = keras.models.model_from_json(open(\"model.json\").read()); "
      + "model.load_weights(\"model.weights.h5\"); "
      + "model.export(\"model.onnx\", format=\"onnx\")")

  private static let paddle = ForeignFile(
    "it is the program of a PaddlePaddle model (inference.json), without the weights",
    remedy: "make ONNX of its folder: paddle2onnx --model_dir FOLDER "
      + "--model_filename inference.json --params_filename inference.pdiparams "
      + "--save_file model.onnx")

  /// Describes a folder by names of files in it that are not read; nil if none is known.
  static func folder(of names: [String]) -> ForeignFile? {
    func has(_ ending: String) -> Bool { names.contains { $0.hasSuffix(ending) } }
    if has("-symbol.json"), has(".params") {
      return ForeignFile("the folder holds an MXNet model", remedy: mxNetExport)
    }
    if has(".distcp") { return .distributedCheckpoint }
    if names.contains("model.json"), has(".bin") {
      return ForeignFile(
        "the folder holds model.json and .bin, as TensorFlow.js writes", remedy: graphExport)
    }
    return nil
  }
}
