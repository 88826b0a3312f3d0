import Checkpoint
import HostileFiles
import ResNet
import Testing

/// Files that are no models: each is told by what it is, with what makes a model of it.
@Suite struct ForeignFileTests {
  private func failure(_ bytes: [UInt8]) -> String {
    do throws(CheckpointError) {
      _ = try Model.load(bytes: bytes, fileName: "x", options: ModelOptions(labels: ["a"]))
      return "it passed"
    } catch {
      return error.description
    }
  }

  private static let formats =
    "models are safetensors, PyTorch (what torch.save makes of a state dict) and ONNX files"

  private static let hdf5: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a]
  private static let wholeHDF5: [UInt8] = hdf5 + Array("\0model_config\0".utf8)
  /// After a block of a program's own, as MATLAB writes one.
  private static let laterHDF5: [UInt8] =
    [UInt8](repeating: 0, count: 512) + hdf5 + Array("layers\0vars".utf8)
  private static let longMessage: [UInt8] =
    Array("{\n\"message\": \"".utf8) + [UInt8](repeating: 0x78, count: 300) + Array("\"}".utf8)

  private static func latin1(_ text: String) -> [UInt8] {
    text.unicodeScalars.map { UInt8($0.value) }
  }

  @Test(
    "What is given for a model by mistake is told by its name, with the formats that are read",
    arguments: [
      (Array("%PDF-1.7\n%".utf8), "a PDF document"),
      (Array("        {\"a\": 1}\n".utf8), "text that begins with \"        {\"a\": 1}"),
      (Array("tench\ngoldfish\nGröße\n".utf8), "text that begins with \"tench goldfish"),
      (Array("GGUF\u{3}\0\0\0".utf8), "a GGUF model"),
      ([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0], "a program"),
      ([UInt8](repeating: 0, count: 63), "it begins with the bytes 00 00"),
      ([0xff], "all it has are the bytes ff"), ([], "empty"),
    ])
  func mistakes(bytes: [UInt8], found: String) {
    let description = failure(bytes)
    #expect(description.hasPrefix("not a model file: "), "\(description)")
    #expect(description.contains(found), "\(description)")
    #expect(description.hasSuffix(Self.formats))
  }

  @Test(
    "What another tool turns into a model file comes with the command that does",
    arguments: [
      (latin1("\u{ff}\u{d8}\u{ff}\u{e0}\0\u{10}JFIF\0"), "a JPEG image", "resnetd classify"),
      ([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0], "a PNG image", "resnetd classify"),
      (Array("RIFF\u{10}\0\0\0WEBPVP8 ".utf8), "a WebP image", "resnetd classify"),
      (latin1("\0\0\0\u{20}ftypavif\0\0\0\0"), "an AVIF image", "resnetd classify"),
      ([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3], "packed by gzip", "gunzip"),
      ([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0, 0, 4], "packed by xz", "xz -d"),
      ([0x28, 0xb5, 0x2f, 0xfd, 4, 0], "packed by zstd", "zstd -d"),
      ([UInt8](repeating: 0x61, count: 257) + Array("ustar\000".utf8), "a tar archive", "tar -xf"),
      (
        [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0], "an HDF5 file",
        "model.load_weights(\"model.weights.h5\") and model.export("
      ),
      (laterHDF5, "an HDF5 file", "build the model in Python, then"),
      (
        wholeHDF5, "a model of Keras in an HDF5 file",
        "export it as ONNX, in Keras 3: keras.models.load_model"
      ),
      (
        Array("{\"error\":\"Repository not found\"}".utf8),
        "JSON, as servers send in place of a file: {\"error\":\"Repository not found\"}",
        "download the file itself"
      ),
      (longMessage, "{ \"message\": \"xxx", "…; download the file itself"),
      (
        Array("name: \"ResNet-50\"\nlayer {\n  name: \"data\"\n".utf8),
        "the layout of a Caffe network (.prototxt)", "as ONNX"
      ),
      (latin1("\u{1c}\0\0\0TFL3"), "a TensorFlow Lite model", "--tflite"),
      (latin1("\u{93}NUMPY\u{1}\0"), "one array of NumPy", "safetensors.numpy.save_file"),
      (
        Array("version https://git-lfs.github.com/spec/v1\noid sha256:0\n".utf8), "Git LFS",
        "git lfs pull"
      ),
      (Array("<!DOCTYPE html>\n<html>Größe".utf8), "an HTML page", "download the file itself"),
      (latin1("\n <HTML lang=de>\u{e4}\u{ff}\0"), "an HTML page", "download the file itself"),
      (Array("\u{feff}<html>".utf8), "an HTML page", "download the file itself"),
      (
        Array("<?xml version=\"1.0\"?><Error><Code>NoSuchKey</Code></Error>".utf8),
        "an XML document", "download the file itself"
      ),
      (
        Array("<?xml version=\"1.0\"?>\n<net name=\"torch_jit\" version=\"11\">".utf8),
        "an OpenVINO model", "as ONNX"
      ),
      (
        Array("{\"metadata\": {\"total_size\": 4}, \"weight_map\": {\"a\": \"b\"}}".utf8),
        "index of a model in several files", "resnetd convert FOLDER"
      ),
      // A MetaGraphDef of 300 bytes, whose MetaInfoDef has 200.
      ([8, 1, 0x12, 0xac, 2, 0x0a, 0xc8, 1, 0x12], "a TensorFlow SavedModel", "--saved-model"),
      ([8, 7, 0x12, 0xac, 2, 0x0a, 0x20, 0x0a, 5], "a Core ML model", "as ONNX"),
      (
        [0x0a, 0x1a, 0x0a, 5] + Array("input".utf8) + [0x12, 11] + Array("Placeholder".utf8),
        "a frozen graph of TensorFlow", "--graphdef"
      ),
      ([0x0a, 9] + Array("ResNet-50".utf8) + [0xa2, 6, 4], "a Caffe model", "as ONNX"),
      ([0x82, 0xa6] + Array("params".utf8) + [0x81], "a msgpack file", "safetensors or ONNX"),
      (
        [0x12, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], "MXNet's arrays",
        "mxnet.onnx.export_model"
      ),
      (
        Array("name: \"ResNet-50\"\ninput: \"data\"\nlayer {\n  name: \"conv1\"\n}".utf8),
        "the layout of a Caffe network", "as ONNX"
      ),
      (
        [UInt8](repeating: 0, count: 40) + [0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb],
        "the index of a TensorFlow checkpoint", "tf2onnx"
      ),
      (
        [0x80, 4, 0x95, 3, 0, 0, 0, 0, 0, 0, 0, 0x7d, 0x94, 0x2e], "a pickle without PyTorch's",
        "torch.save"
      ),
    ])
  func others(bytes: [UInt8], found: String, remedy: String) {
    let description = failure(bytes)
    #expect(description.hasPrefix("not a model file: it is "), "\(description)")
    #expect(description.contains(found), "\(description)")
    #expect(description.contains(remedy), "\(description)")
  }

  @Test(
    "A JSON document beside weights is told by its names, with the command that takes both",
    arguments: [
      (
        #"{"nodes": [{"op": "null", "name": "data", "inputs": []}, {"op": "Convolution"}"#,
        "the graph of an MXNet model (NAME-symbol.json)", "mxnet.onnx.export_model"
      ),
      (
        #"{"class_name": "Functional", "config": {"name": "resnet50", "layers": []}}"#,
        "a Keras model, without the weights", "keras.models.model_from_json"
      ),
      (
        #"{"module": "keras", "class_name": "Sequential", "config": {"name": "s"}}"#,
        "a Keras model", "load_weights"
      ),
      (#"{"keras_version": "3.9.0", "date_saved": "2026"}"#, "a Keras model", "format=\"onnx\""),
      (
        #"{"format": "graph-model", "generatedBy": "2.18", "modelTopology": {"node": []}}"#,
        "a TensorFlow.js model", "tf2onnx.convert --tfjs model.json"
      ),
      (
        #"{"format": "layers-model", "modelTopology": {"class_name": "Sequential"}}"#,
        "a model of layers of TensorFlow.js", "--output_format=tfjs_graph_model"
      ),
      (
        #"{"architectures": ["ResNetForImageClassification"], "depths": [2, 2]}"#,
        "the description of a model (config.json)", "resnetd convert FOLDER"
      ),
      (
        "{\n  \"architecture\": \"resnet18\",\n  \"num_classes\": 1000\n}",
        "the description of a model (config.json)", "give the folder"
      ),
      (
        #"{"crop_pct": 0.875, "do_resize": true, "size": {"shortest_edge": 224}}"#,
        "an image processor (preprocessor_config.json)", "give the folder"
      ),
      (
        #"{"base_code": {"magic": "pir", "trainable": false}, "program": {}}"#,
        "a PaddlePaddle model", "paddle2onnx"
      ),
      (#"{"weight_map": {"a": "b"}}"#, "the index of a model", "resnetd convert FOLDER"),
    ])
  func documents(text: String, found: String, remedy: String) {
    let description = failure(Array(text.utf8))
    #expect(description.hasPrefix("not a model file: it is "), "\(description)")
    #expect(description.contains(found) && description.contains(remedy), "\(description)")
  }

  @Test("Names that are values of other documents tell nothing")
  func otherDocuments() {
    for text in [#"{"a": "x", "b": {"nodes": [1]}}"#, #"["architectures"]"#, #"{"config": {}}"#] {
      #expect(failure(Array(text.utf8)).contains("text that begins with"))
    }
  }

  @Test(
    "Archives of other programs are told by their entries",
    arguments: [
      (["m/data.pkl", "m/constants.pkl"], "a TorchScript program", "torch.jit.load"),
      (
        ["serialized_exported_program.json", "serialized_state_dict.pt", "version"],
        "a program of torch.export", "torch.export.load"
      ),
      (
        ["m/archive_format", "m/models/model.json", "m/data/weights/weight_0"],
        "a program of torch.export", "torch.export.load"
      ),
      (["MAR-INF/MANIFEST.json", "resnet18.pth"], "an archive of TorchServe", "unzip"),
      (
        ["metadata.json", "config.json", "model.weights.h5"], "a model of Keras",
        "keras.models.load_model"
      ),
      (["conv1.weight.npy", "fc.bias.npy"], "an archive of NumPy's arrays", "numpy.load"),
      (["a/model.safetensors", "b"], "it holds a/model.safetensors, b", "unpack it"),
    ])
  func archives(names: [String], found: String, remedy: String) {
    let entries = names.map { ZipBytes.Entry(name: $0, data: [0x7d, 0x2e]) }
    let description = failure(ZipBytes(entries).bytes)
    #expect(description.hasPrefix("not a model file: it is "), "\(description)")
    #expect(description.contains(found), "\(description)")
    #expect(description.contains(remedy), "\(description)")
  }

  @Test("A file of zeros is told, with what an interrupted download leaves")
  func zeros() {
    let description = failure([UInt8](repeating: 0, count: 5000))
    #expect(description.contains("it begins with 4096 zeros"), "\(description)")
    #expect(description.contains("download it again"), "\(description)")
  }

  @Test("An archive that was packed anew says how to store its entries", arguments: [false, true])
  func packed(isEncrypted: Bool) {
    var entry = ZipBytes.Entry(name: "x/data.pkl", data: [0x7d, 0x2e], method: isEncrypted ? 0 : 8)
    if isEncrypted { entry.flags = 1 }
    let description = failure(ZipBytes([entry]).bytes)
    #expect(
      description.contains(
        isEncrypted
          ? "pack it without a password"
          : "save it anew, in Python: torch.save(torch.load(\"model.pth\"), \"stored.pth\"), or"),
      "\(description)")
  }

  @Test("A file that lacks its end says so, in each format", arguments: [1, 40, 400])
  func cuts(missing: Int) throws {
    let network = try SmallNetworks.tensors(of: SmallNetworks.basic)
    let storages = [("0", [UInt8](repeating: 0, count: 512))]
    let value = PickleBytes.dictionary([("a", .tensor(.storage("0", count: 128), [128], [1]))])
    let stream = PickleBytes.stream(value.pickle(), storages: [("0", 128, storages[0].1)])
    for whole in [
      SafetensorsBytes.plain(network), ZipBytes(pickle: value.pickle(), storages: storages).bytes,
      stream,
    ] {
      let description = failure(Array(whole.dropLast(missing)))
      #expect(description.contains("the file is not complete; fetch or copy"), "\(description)")
    }
    let header = Array(SafetensorsBytes.plain(network).prefix(64))
    #expect(failure(header).contains("the file is not complete"))
  }
}
