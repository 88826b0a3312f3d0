package import ONNX

/// numpy's file format for one array
/// (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html), versions 1 to 3.
package enum NPYFile {
  package static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)
  private static let headerByteCountLimit = 64 * 1024
  private static let rankLimit = 16
  /// Alignment of the numbers' offset.
  private static let alignment = 64

  /// Reads a file of at most so many bytes.
  static func read(path: String, limit: Int) throws(Failure) -> DenseTensor {
    do throws(Failure) { return try read(FileBytes.read(path, limit: limit)) } catch {
      throw Failure("\(path): \(error.message)")
    }
  }

  /// Reads an array of any numeric type but complex ones, in either byte order and either order of
  /// dimensions.
  package static func read(_ bytes: [UInt8]) throws(Failure) -> DenseTensor {
    guard bytes.count >= 10, bytes.starts(with: magic) else { throw Failure("no .npy file") }
    let version = bytes[6]
    guard 1...3 ~= version else { throw Failure("version \(version) of the .npy format") }
    let lengthByteCount = version == 1 ? 2 : 4
    let start = 8 + lengthByteCount
    guard bytes.count >= start else { throw Failure("the file is truncated") }
    let length = bytes[8..<start].reversed().reduce(0) { $0 << 8 | Int($1) }
    guard length <= headerByteCountLimit, length <= bytes.count - start else {
      throw Failure("a header of \(length) bytes")
    }
    let header = try NPYHeader(bytes[start..<start + length])
    let type = header.type
    guard header.shape.count <= rankLimit,
      let count = ONNXTensor.elementCount(header.shape, limit: Int(Int32.max))
    else { throw Failure("an array of shape \(header.shape.prefix(rankLimit))") }
    let data = bytes[(start + length)...]
    guard data.count == count * type.byteCount else {
      throw Failure(
        "\(data.count) bytes of numbers, the shape \(header.shape) asks for "
          + "\(count * type.byteCount)")
    }
    let ordered = reordered(data, header, count: count)
    return DenseTensor(type, header.shape, bytes: ordered)
  }

  /// Returns the file's numbers in little-endian and row-major order.
  private static func reordered(_ data: ArraySlice<UInt8>, _ header: NPYHeader, count: Int)
    -> [UInt8]
  {
    let size = header.type.byteCount
    let isColumnMajor = header.isColumnMajor && header.shape.count > 1
    guard header.isBigEndian || isColumnMajor else { return Array(data) }
    var result: [UInt8] = []
    result.reserveCapacity(data.count)
    var index = [Int](repeating: 0, count: header.shape.count)
    for place in 0..<count {
      var source = place
      if isColumnMajor {
        source = zip(index, header.shape).reversed().reduce(0) { $0 * $1.1 + $1.0 }
        for axis in index.indices.reversed() {
          index[axis] += 1
          if index[axis] < header.shape[axis] { break }
          index[axis] = 0
        }
      }
      let element = data[(data.startIndex + source * size)...].prefix(size)
      result += header.isBigEndian ? Array(element.reversed()) : Array(element)
    }
    return result
  }

  /// Writes version 1, little endian, row-major.
  package static func bytes(_ tensor: DenseTensor) -> [UInt8] {
    header(tensor.elementType, tensor.shape) + tensor.bytes
  }

  /// Writes numbers in single precision; there must be as many as the shape says.
  package static func bytes(_ numbers: [Float], shape: [Int]) -> [UInt8] {
    precondition(numbers.count == shape.reduce(1, *), "numbers must fit the shape")
    return header(.float, shape) + littleEndian(numbers)
  }

  /// Returns what stands before the rows of a file of numbers in single precision.
  static func header(ofRows count: Int, columns: Int) -> [UInt8] {
    header(.float, [count, columns])
  }

  /// Returns numbers as a file in single precision has them.
  static func littleEndian(_ numbers: [Float]) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(numbers.count * MemoryLayout<Float>.size)
    for number in numbers {
      let bits = number.bitPattern
      for shift in stride(from: 0, to: 32, by: 8) {
        bytes.append(UInt8(truncatingIfNeeded: bits >> shift))
      }
    }
    return bytes
  }

  private static func header(_ type: ONNXElementType, _ shape: [Int]) -> [UInt8] {
    let sizes = shape.map(String.init)
    let shape = sizes.count == 1 ? "(\(sizes[0]),)" : "(\(sizes.joined(separator: ", ")))"
    var header =
      "{'descr': '\(NPYHeader.name(of: type))', 'fortran_order': False, "
      + "'shape': \(shape), }"
    let unpadded = magic.count + 4 + header.utf8.count + 1
    header += String(repeating: " ", count: (alignment - unpadded % alignment) % alignment) + "\n"
    let length = header.utf8.count
    return magic + [1, 0, UInt8(length & 0xFF), UInt8(length >> 8)] + Array(header.utf8)
  }
}
