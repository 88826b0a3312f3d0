package import COneDNN
import ResNet

/// Compiled operation; any thread may run it, through a binding of its own.
@safe
package final class Primitive: Sendable {
  // SAFETY: the object is immutable and freed once, when nothing refers to it.
  nonisolated(unsafe) let pointer: OpaquePointer

  init(taking pointer: OpaquePointer) { unsafe self.pointer = pointer }

  deinit { unsafe onednn_primitive_destroy(pointer) }

  /// Returns the layout of an argument; throws if the primitive has no such argument.
  package func layout(of role: onednn_role) throws(EngineError) -> Layout {
    unsafe Layout(
      taking: try unsafe OneDNN.make { unsafe onednn_primitive_layout(pointer, role, $0, $1) })
  }

  package func byteCount(of role: onednn_role) -> Int {
    unsafe onednn_primitive_byte_count(pointer, role)
  }

  /// oneDNN's name for its implementation, such as `jit:avx512_core`.
  package var implementation: String {
    unsafe String(cString: onednn_primitive_implementation(pointer))
  }

  /// Whether this is one of oneDNN's plain loops, 50 to 300 times slower than its other
  /// implementations.
  var isReference: Bool { unsafe onednn_primitive_is_reference(pointer) }

  /// Makes a convolution. It chooses the layouts that are nil; sums and bias are multiplied by
  /// `scales` `[K]`, if any.
  static func convolution(
    _ device: Device, _ attributes: onednn_convolution, scales: [Float]? = nil,
    source: Layout? = nil, weights: Layout? = nil, destination: Layout? = nil
  ) throws(EngineError) -> Primitive {
    var attributes = attributes
    return unsafe Primitive(
      taking: try unsafe OneDNN.make {
        unsafe onednn_convolution_create(
          device.pointer, &attributes, scales, source?.pointer, weights?.pointer,
          destination?.pointer, $0, $1)
      })
  }

  static func pooling(
    _ device: Device, _ attributes: onednn_pooling, source: Layout
  ) throws(EngineError) -> Primitive {
    var attributes = attributes
    return unsafe Primitive(
      taking: try unsafe OneDNN.make {
        unsafe onednn_pooling_create(device.pointer, &attributes, source.pointer, $0, $1)
      })
  }

  static func elementwise(
    _ device: Device, _ kind: onednn_elementwise_kind, alpha: Float = 0, beta: Float = 0,
    _ layout: Layout
  ) throws(EngineError) -> Primitive {
    unsafe Primitive(
      taking: try unsafe OneDNN.make {
        unsafe onednn_elementwise_create(
          device.pointer, kind, alpha, beta, layout.pointer, $0, $1)
      })
  }

  /// Makes a sum, product or the like; `other` has the source's dimensions or `[N, C, 1, 1]`.
  static func combination(
    _ device: Device, _ kind: onednn_combination_kind, _ source: Layout, with other: Layout
  ) throws(EngineError) -> Primitive {
    unsafe Primitive(
      taking: try unsafe OneDNN.make {
        unsafe onednn_combination_create(
          device.pointer, kind, source.pointer, other.pointer, $0, $1)
      })
  }

  /// Makes a normalisation or softmax of each of so many rows of fp32 by itself.
  static func rows(
    _ device: Device, _ kind: onednn_row_kind, count: Int, length: Int, epsilon: Float = 0
  ) throws(EngineError) -> Primitive {
    unsafe Primitive(
      taking: try unsafe OneDNN.make {
        unsafe onednn_rows_create(
          device.pointer, kind, Int64(count), Int64(length), epsilon, $0, $1)
      })
  }

  static func resizing(
    _ device: Device, _ method: Resizing.Method, from source: Layout, to destination: Layout
  ) throws(EngineError) -> Primitive {
    unsafe Primitive(
      taking: try unsafe OneDNN.make {
        unsafe onednn_resizing_create(
          device.pointer, method == .linear, source.pointer, destination.pointer, $0, $1)
      })
  }

  /// Makes a linear layer as a convolution over the whole input; the result is fp32.
  static func linear(
    _ device: Device, _ attributes: onednn_linear, scales: [Float]? = nil, weights: Layout? = nil
  ) throws(EngineError) -> Primitive {
    var attributes = attributes
    return unsafe Primitive(
      taking: try unsafe OneDNN.make {
        unsafe onednn_linear_create(
          device.pointer, &attributes, scales, weights?.pointer, $0, $1)
      })
  }

  /// Makes a reorder that also converts: numbers less `sourceZero` are multiplied by `scale` and
  /// moved by `destinationZero`, and rounded and clamped if they become integers.
  package static func reorder(
    _ device: Device, from source: Layout, to destination: Layout, scale: Float = 1,
    sourceZero: Int32 = 0, destinationZero: Int32 = 0
  ) throws(EngineError) -> Primitive {
    unsafe Primitive(
      taking: try unsafe OneDNN.make {
        unsafe onednn_reorder_create(
          device.pointer, source.pointer, destination.pointer, scale, sourceZero, destinationZero,
          $0, $1)
      })
  }
}
