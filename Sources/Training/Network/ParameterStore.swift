import COneDNN
import Engine
import ResNet

/// Trained numbers of a network and their gradients, all in two blocks of memory.
final class ParameterStore {
  enum Role { case weight, bias, normalizationScale, normalizationShift }

  struct Parameter {
    var name: String
    /// Shape in files.
    var shape: [Int]
    var role: Role
    /// Place in the blocks, in floats; more than the shape's numbers where a layout has padding,
    /// which remains zero.
    var range: Range<Int>
    /// Primitives of the convolution that it is a weight of; other parameters lie as in files.
    var passes: ConvolutionPasses?
  }

  private(set) var parameters: [Parameter] = []
  private(set) var floatCount = 0
  let values: Region
  let gradients: Region

  /// Floats that every parameter's place is a multiple of.
  private static let alignment = 16

  init(_ parameters: [(name: String, shape: [Int], role: Role, passes: ConvolutionPasses?)])
    throws(EngineError)
  {
    for (name, shape, role, passes) in parameters {
      let count =
        passes.map { $0.layout.byteCount / MemoryLayout<Float>.stride } ?? shape.reduce(1, *)
      self.parameters.append(
        Parameter(
          name: name, shape: shape, role: role, range: floatCount..<floatCount + count,
          passes: passes))
      let end = floatCount + count
      floatCount = (end + Self.alignment - 1) / Self.alignment * Self.alignment
    }
    values = try Region(floatCount: floatCount, for: "parameters")
    gradients = try Region(floatCount: floatCount, for: "gradients")
  }

  var byteCount: Int { 2 * floatCount * MemoryLayout<Float>.stride }

  /// Returns the parameter's part of a block.
  func part(_ parameter: Parameter, of block: Region) -> Region {
    block.floats(at: parameter.range.lowerBound, count: parameter.range.count)
  }

  func value(_ index: Int) -> Region { part(parameters[index], of: values) }
  func gradient(_ index: Int) -> Region { part(parameters[index], of: gradients) }

  /// Returns a parameter's numbers in the order of files, from a block laid out like the values.
  func tensor(
    _ parameter: Parameter, of block: Region, _ device: Device, _ stream: Stream
  ) throws(EngineError) -> Tensor {
    let own = part(parameter, of: block)
    guard let passes = parameter.passes else {
      return Tensor(shape: parameter.shape, storage: own.values)
    }
    let result = try Region(floatCount: parameter.shape.reduce(1, *), for: "weights")
    try passes.toFile.run(device, stream, [(ONEDNN_SOURCE, own), (ONEDNN_DESTINATION, result)])
    return Tensor(shape: parameter.shape, storage: result.values)
  }

  /// Writes a parameter's numbers, in the order of files, into a block laid out like the values.
  func write(
    _ tensor: Tensor, to parameter: Parameter, of block: Region, _ device: Device, _ stream: Stream
  ) throws(EngineError) {
    let own = part(parameter, of: block)
    guard let passes = parameter.passes else { return tensor.withValues { own.write($0) } }
    let source = try Region(floatCount: tensor.elementCount, for: "weights")
    tensor.withValues { source.write($0) }
    try passes.fromFile.run(device, stream, [(ONEDNN_SOURCE, source), (ONEDNN_DESTINATION, own)])
  }
}

extension Primitive {
  /// Runs once on regions.
  func run(
    _ device: Device, _ stream: Stream, _ regions: [(role: onednn_role, region: Region)]
  ) throws(EngineError) {
    let addresses = unsafe regions.map { unsafe (role: $0.role, address: $0.region.address) }
    let binding = try unsafe Binding(device, self, addresses: addresses)
    try binding.run(on: stream)
  }
}
