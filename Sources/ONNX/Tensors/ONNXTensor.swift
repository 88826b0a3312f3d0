/// Tensor as a file has it: declared shape and type, and bytes here or elsewhere.
package struct ONNXTensor: Sendable, Equatable {
  /// Place of the bytes.
  package enum Storage: Sendable, Equatable {
    /// Little-endian, row-major, as many as shape and type ask for.
    case bytes([UInt8])
    /// Bytes in another file; the location is as the file gives it, unchecked. A `length` of nil
    /// means as many as shape and type ask for.
    case external(location: String, offset: Int, length: Int?)
    /// Strings, which are not read.
    case strings
  }

  package let name: String
  package let elementType: ONNXElementType
  package let shape: [Int]
  package let storage: Storage

  package init(name: String, elementType: ONNXElementType, shape: [Int], storage: Storage) {
    self.name = name
    self.elementType = elementType
    self.shape = shape
    self.storage = storage
  }

  /// Returns the product of a shape; nil for a negative dimension or a product beyond `limit`, even
  /// one that a zero would hide: strides are made of the other dimensions.
  package static func elementCount(_ shape: [Int], limit: Int) -> Int? {
    var count = 1
    for dimension in shape {
      guard dimension >= 0 else { return nil }
      let product = count.multipliedReportingOverflow(by: max(dimension, 1))
      guard !product.overflow, product.partialValue <= limit else { return nil }
      count = product.partialValue
    }
    return shape.contains(0) ? 0 : count
  }
}
