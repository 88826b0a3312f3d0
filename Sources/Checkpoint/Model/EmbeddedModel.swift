import CEmbeddedModels
import Files
import Glibc

/// A model that is part of the program, under the name that stands for a file's path.
package enum EmbeddedModel: String, Sendable, CaseIterable {
  /// ResNet-18 of half the width for 64x64 pixels and the 200 classes of Tiny ImageNet.
  case tinyImageNet = "resnet18-half-tinyimagenet"
  /// ResNet-20 for 32x32 pixels and the ten classes of CIFAR-10.
  case cifar10 = "resnet20-cifar10"

  /// The model of a program that is given none.
  package static let usual = EmbeddedModel.tinyImageNet

  /// Returns the model that a path names; nil if there is a file or folder of that name.
  package init?(path: String) {
    var status = stat()
    // A link that leads nowhere is somebody's file too.
    guard let model = EmbeddedModel(rawValue: path), unsafe lstat(path, &status) != 0 else {
      return nil
    }
    self = model
  }

  package var name: String { rawValue }

  /// Writes its file, complete or not at all.
  package func write(to path: String) throws(CheckpointError) {
    let bytes = bytes
    try AtomicFile.write(to: path, orThrow: CheckpointError.init) { file throws(CheckpointError) in
      try bytes.withBytes(in: 0..<bytes.count) { span throws(CheckpointError) in
        do throws(FileError) { try file.write(span) } catch { throw CheckpointError(error) }
      }
    }
  }

  /// The bytes of its file, in place.
  var bytes: ModelBytes {
    let model =
      switch self {
      case .tinyImageNet: unsafe embedded_tiny_imagenet()
      case .cifar10: unsafe embedded_cifar10()
      }
    // SAFETY: the bytes are constant, aligned for every element type, and live as long as the
    // program.
    return unsafe ModelBytes(program: model.bytes, count: model.byte_count)
  }
}
