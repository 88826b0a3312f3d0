import Foundation

/// Files made by PyTorch; Fixtures/make.py says how.
enum Fixtures {
  static func path(_ name: String) -> String {
    Bundle.module.bundlePath + "/Fixtures/" + name
  }

  static func bytes(_ name: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(fileURLWithPath: path(name))))
  }

  /// Path of the data that lie beside the repository, if there are any.
  static let publishedPath = {
    let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let beside = repository.deletingLastPathComponent()
    return beside.appendingPathComponent("shared/data/resnet20-cifar10.th").path
  }()
}
