import Checkpoint
import Foundation
import HostileFiles
import Imaging
import ResNet

/// A small native file whose network is a graph, as text and tensors that a test can spoil.
struct GraphFile {
  /// A 1x1 convolution, maximum, mean and linear layer over 8x8 pixels.
  static let graph = """
    {"input":{"channels":3,"height":8,"width":8},"nodes":[\
    {"name":"c","operation":"convolution","inputs":["input"],"channels":2,"kernel":[1,1]},\
    {"name":"p","operation":"max_pool","inputs":["c"],"window":[2,2],"stride":[2,2]},\
    {"name":"g","operation":"global_average_pool","inputs":["p"]},\
    {"name":"fc","operation":"linear","inputs":["g"],"outputs":3}]}
    """

  var document = """
    {"format_version":1,"name":"small","labels":["a","b","c"],"preprocessing":{\
    "resize":{"rule":"exact","height":8,"width":8,"filter":"bilinear"},"crop":{"rule":"none"},\
    "mean":[0,0,0],"std":[1,1,1]},"graph":\(graph)}
    """
  var tensors: [String: Tensor] = [
    "c.weight": Tensor(shape: [2, 3, 1, 1], storage: [1, 2, 3, 4, 5, 6]),
    "fc.weight": Tensor(shape: [3, 2], storage: [1, 2, 3, 4, 5, 6]),
    "fc.bias": Tensor(shape: [3], storage: [1, 2, 3]),
  ]

  var bytes: [UInt8] {
    get throws { try SafetensorsBytes.described(tensors, document: document) }
  }

  /// Returns the bytes of a model's file as it is written.
  static func written(_ model: Model) throws -> [UInt8] {
    var bytes: [UInt8] = []
    try model.write { part throws(CheckpointError) in
      bytes += unsafe part.withUnsafeBytes { unsafe [UInt8]($0) }
    }
    return bytes
  }
}
