// swift-tools-version: 6.2
import Foundation
import PackageDescription

let swiftSettings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .strictMemorySafety(),
  .treatAllWarnings(as: .error),
]

let cSettings: [CSetting] = [
  .enableWarning("all"),
  .enableWarning("extra"),
  .treatAllWarnings(as: .error),
]

let cxxSettings: [CXXSetting] = [
  .enableWarning("all"),
  .enableWarning("extra"),
  .treatAllWarnings(as: .error),
]

/// A C room: a flat C ABI in front of Debian's libraries.
func room(
  _ name: String, linking libraries: [String] = [], excluding files: [String] = []
) -> Target {
  .target(
    name: name, exclude: files, cSettings: cSettings, cxxSettings: cxxSettings,
    linkerSettings: libraries.map { .linkedLibrary($0) })
}

let package = Package(
  name: "resnetd",
  products: [.executable(name: "resnetd", targets: ["resnetd"])],
  targets: [
    room("CImageCodec", linking: ["jpeg", "spng", "webp", "gif", "z", "stdc++"]),
    room("CColourProfile", linking: ["lcms2", "z"]),
    room("COneDNN", linking: ["dnnl", "gomp"]),
    room("CKernels", linking: ["gomp"]),
    room(
      "CEmbeddedModels",
      excluding: ["resnet18-half-tinyimagenet.safetensors", "resnet20-cifar10.safetensors"]),
    room("CPages", excluding: ["home.html", "admin.html", "page.css"]),
    room("CImageNet", excluding: ["imagenet-labels.txt", "imagenet-synsets.txt"]),
    room("CSockets"),
    room("CTLS", linking: ["ssl", "crypto"]),
    room("CProgram"),
    room("CSandbox", linking: ["seccomp"]),
    room("CCurl", linking: ["curl", "ssl", "crypto"]),
    room("CYajl", linking: ["yajl"]),
    room("CCompression", linking: ["z", "zstd"]),
    .target(
      name: "COnnx",
      cxxSettings: [
        .define("ONNX_ML", to: "1"), .define("ONNX_NAMESPACE", to: "onnx"),
        .enableWarning("all"), .enableWarning("extra"), .treatAllWarnings(as: .error),
      ],
      linkerSettings: ["onnx", "onnx_proto", "protobuf", "stdc++"].map { .linkedLibrary($0) }),
    .systemLibrary(name: "COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CJansson", pkgConfig: "jansson", providers: [.apt(["libjansson-dev"])]),
    .systemLibrary(name: "CExpat", pkgConfig: "expat", providers: [.apt(["libexpat1-dev"])]),
    .systemLibrary(
      name: "CPCRE2", pkgConfig: "libpcre2-8", providers: [.apt(["libpcre2-dev"])]),
    .systemLibrary(name: "CZip", pkgConfig: "libzip", providers: [.apt(["libzip-dev"])]),

    .target(name: "Time"),
    .target(name: "Numbers"),
    .target(name: "Words"),
    .target(name: "Compression", dependencies: ["CCompression"]),
    .target(name: "Files", dependencies: ["COpenSSL"]),
    .target(name: "JSON", dependencies: ["CJansson"]),
    .target(name: "Tables", dependencies: ["Files", "Words"]),
    .target(
      name: "Imaging", dependencies: ["CImageCodec", "CColourProfile", "Numbers", "Words"]),
    .target(name: "ResNet", dependencies: ["Numbers"]),
    .target(name: "HTTPCore", dependencies: ["JSON", "Words"]),
    .target(name: "Telemetry", dependencies: ["Files", "JSON", "Time", "Words"]),
    .target(name: "Machine", dependencies: ["Files", "Time", "Words"]),
    .target(name: "ONNX", dependencies: ["COnnx", "Files"]),

    .target(name: "Engine", dependencies: ["ResNet", "COneDNN", "CKernels"]),
    .target(
      name: "Checkpoint",
      dependencies: [
        "ResNet", "Imaging", "Files", "JSON", "Words", "CEmbeddedModels", "CImageNet", "COpenSSL",
        "CZip", "ONNX", "Tables",
      ]),
    .target(name: "ModelStore", dependencies: ["Checkpoint", "Files", "JSON"]),
    .target(
      name: "RemoteModels",
      dependencies: [
        "ModelStore", "Checkpoint", "Files", "JSON", "Time", "Words", "CCurl", "CExpat",
      ]),
    .target(name: "HTTPServer", dependencies: ["HTTPCore", "Files", "Time", "CSockets", "CTLS"]),

    .target(name: "Decoding", dependencies: ["Imaging", "Machine", "Time", "CSandbox"]),
    .target(
      name: "Inference",
      dependencies: [
        "Checkpoint", "Decoding", "Engine", "Files", "Imaging", "JSON", "Machine", "ResNet", "Time",
      ]),
    .target(
      name: "Training",
      dependencies: ["Engine", "Files", "Inference", "Numbers", "ResNet", "COneDNN", "CKernels"]),
    .target(
      name: "Serving",
      dependencies: [
        "Inference", "Training", "Machine", "Imaging", "Decoding", "ResNet", "HTTPCore",
        "Telemetry", "Engine", "Checkpoint", "Files", "JSON", "ModelStore", "HTTPServer", "Time",
        "Words", "Compression", "CPages", "CYajl",
      ]),
    .target(
      name: "Following",
      dependencies: [
        "Checkpoint", "Inference", "ModelStore", "RemoteModels", "Serving", "Telemetry", "Time",
      ]),
    .executableTarget(
      name: "resnetd",
      dependencies: [
        "Serving", "Following", "Training", "Inference", "Decoding", "Machine", "Imaging", "ResNet",
        "HTTPCore",
        "Telemetry", "Engine", "Checkpoint", "Files", "JSON", "ModelStore", "RemoteModels",
        "HTTPServer", "Numbers", "ONNX", "Tables", "Time", "Words", "Compression", "CCurl",
        "CPCRE2", "CProgram", "CSockets",
      ]),

    .executableTarget(
      name: "preprocessing-benchmark", dependencies: ["Imaging", "CImageCodec"],
      path: "benchmarks/preprocessing",
      exclude: [
        "README.md", "agreement", "agreement.py", "compare.py", "huffman", "huffman.py",
        "make-pictures.py", "pillow.py", "requirements.txt", "run",
      ]),

    .executableTarget(
      name: "winograd-benchmark", dependencies: ["Engine", "Numbers", "ResNet"],
      path: "benchmarks/winograd", exclude: ["README.md", "run"]),

    .executableTarget(
      name: "training-benchmark", dependencies: ["Engine", "Training", "Numbers", "ResNet"],
      path: "benchmarks/training", exclude: ["README.md", "head.py", "pytorch.py", "run"]),

    .target(name: "HostileFiles", dependencies: ["ResNet"], path: "Tests/HostileFiles"),
    .target(name: "ScriptedServer", dependencies: ["CSockets"], path: "Tests/ScriptedServer"),
    .target(
      name: "Classifying", dependencies: ["Inference", "Decoding"], path: "Tests/Classifying"),

    .testTarget(name: "FilesTests", dependencies: ["Files"]),
    .testTarget(name: "WordsTests", dependencies: ["Words"]),
    .testTarget(name: "CompressionTests", dependencies: ["Compression"]),
    .testTarget(name: "TablesTests", dependencies: ["Tables"]),
    .testTarget(
      name: "ImagingTests", dependencies: ["Imaging", "CImageCodec"],
      resources: [.copy("Fixtures")]),
    .testTarget(name: "ONNXTests", dependencies: ["ONNX", "HostileFiles"]),
    .testTarget(name: "ResNetTests", dependencies: ["ResNet"]),
    .testTarget(name: "JSONTests", dependencies: ["JSON"]),
    .testTarget(name: "HTTPCoreTests", dependencies: ["HTTPCore"]),
    .systemLibrary(
      name: "CSSL", path: "Tests/CSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
    .testTarget(name: "HTTPServerTests", dependencies: ["HTTPServer", "HTTPCore", "CSSL"]),
    .testTarget(name: "TelemetryTests", dependencies: ["Telemetry"]),
    .testTarget(name: "MachineTests", dependencies: ["Machine"]),
    .testTarget(name: "DecodingTests", dependencies: ["Decoding", "Imaging"]),
    .testTarget(
      name: "EngineTests", dependencies: ["Engine", "Numbers", "ResNet"],
      resources: [.copy("Fixtures")]),
    .testTarget(
      name: "TrainingTests", dependencies: ["Training", "Engine", "Numbers", "ResNet", "CKernels"],
      resources: [.copy("Fixtures")]),
    .testTarget(
      name: "CheckpointTests",
      dependencies: [
        "Checkpoint", "ResNet", "Imaging", "Engine", "JSON", "Numbers", "ONNX", "HostileFiles",
      ],
      resources: [.copy("Fixtures")]),
    .testTarget(name: "ModelStoreTests", dependencies: ["ModelStore", "Checkpoint", "Files"]),
    .testTarget(
      name: "RemoteModelsTests",
      dependencies: [
        "RemoteModels", "ModelStore", "Checkpoint", "Files", "HTTPServer", "HTTPCore", "COpenSSL",
        "ScriptedServer",
      ]),
    .testTarget(
      name: "InferenceTests",
      dependencies: [
        "Inference", "Decoding", "Checkpoint", "Engine", "Files", "Imaging", "Numbers", "ResNet",
        "Classifying",
      ]),
    .testTarget(
      name: "ServingTests",
      dependencies: [
        "Serving", "Inference", "Decoding", "Files", "HTTPServer", "HTTPCore", "Telemetry",
        "Machine", "Checkpoint", "Compression", "Engine", "Imaging", "ResNet", "ModelStore",
        "HostileFiles", "Classifying",
      ]),
    .testTarget(
      name: "resnetdTests",
      dependencies: [
        "resnetd", "Checkpoint", "Decoding", "Engine", "Imaging", "Numbers", "ResNet", "ONNX",
        "HTTPServer", "HTTPCore", "HostileFiles", "ScriptedServer", "CCurl",
      ]),
  ],
  cLanguageStandard: .gnu2x,
  cxxLanguageStandard: .cxx17
)

// Where only some tests are to run, nothing is built but what they need: names with blanks between
// them.
if let names = ProcessInfo.processInfo.environment["RESNETD_TESTS"] {
  var needed: Set<String> = []
  func need(_ name: String) {
    guard needed.insert(name).inserted,
      let target = package.targets.first(where: { $0.name == name })
    else { return }
    for dependency in target.dependencies {
      switch dependency {
      case .targetItem(let name, _), .byNameItem(let name, _): need(name)
      default: break
      }
    }
  }
  for name in names.split(separator: " ") { need(String(name)) }
  package.targets.removeAll { !needed.contains($0.name) }
  if !needed.contains("resnetd") { package.products = [] }
}

// Fuzz targets, one per file of Fuzz/, exist only for Fuzz/run: libFuzzer leads them.
if ProcessInfo.processInfo.environment["RESNETD_FUZZ"] != nil {
  func fuzzer(_ name: String, of dependencies: Target.Dependency...) -> Target {
    .executableTarget(
      name: name, dependencies: dependencies + ["FuzzDriver"], path: "Fuzz",
      sources: ["\(name).swift"])
  }
  package.targets += [
    .target(name: "FuzzDriver", path: "Fuzz/Driver"),
    fuzzer("CodecRoom", of: "Imaging"),
    fuzzer("Compressed", of: "Compression"),
    fuzzer("HTTPParser", of: "HTTPCore"),
    fuzzer("HuffmanCodes", of: "CImageCodec"),
    fuzzer("RequestBody", of: "Serving", "HTTPCore"),
    fuzzer("ImageDecoding", of: "Imaging"),
    fuzzer("JSONBody", of: "Serving", "HTTPCore"),
    fuzzer("MultipartForm", of: "HTTPCore"),
    fuzzer("LabelsFile", of: "Checkpoint"),
    fuzzer("Lists", of: "Tables"),
    fuzzer("ONNXFile", of: "Checkpoint", "ONNX", "ResNet"),
    fuzzer("Safetensors", of: "Checkpoint", "ResNet"),
    fuzzer("Pickle", of: "Checkpoint", "ResNet"),
  ]
}

/// Tests that compute much themselves. Others are not optimised, which would take longer than they do.
let computingTests: Set = [
  "CheckpointTests", "EngineTests", "ImagingTests", "InferenceTests", "ONNXTests", "ResNetTests",
  "TrainingTests",
]

for target in package.targets where ![.system].contains(target.type) {
  let isC = target.name.hasPrefix("C") && target.name.dropFirst().first?.isUppercase == true
  if isC { continue }
  let isOptimized = target.type != .test || computingTests.contains(target.name)
  target.swiftSettings = swiftSettings + (isOptimized ? [] : [.unsafeFlags(["-Onone"])])
}
