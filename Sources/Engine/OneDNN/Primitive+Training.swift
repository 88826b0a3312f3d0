package import COneDNN

extension Primitive {
  /// Makes a pass through a convolution in training. It chooses the layout of the weights, or of
  /// their gradient, if that is nil.
  package static func training(
    _ device: Device, _ attributes: onednn_convolution, _ pass: onednn_pass, source: Layout,
    weights: Layout? = nil, destination: Layout
  ) throws(EngineError) -> Primitive {
    var attributes = attributes
    return unsafe Primitive(
      taking: try unsafe OneDNN.make {
        unsafe onednn_training_convolution_create(
          device.pointer, &attributes, pass, source.pointer, weights?.pointer,
          destination.pointer, $0, $1)
      })
  }
}
