import Files
import Glibc

/// Access to the bytes of tensors outside a model's file: in its own folder or below it, and
/// nowhere else.
package struct ExternalData: Sendable {
  /// Path of the folder, without symbolic links.
  private let folder: String
  private let byteCountLimit: Int

  /// - Parameter path: Path of the model's file.
  package init(besideFile path: String, limits: ONNXLimits = ONNXLimits()) throws(ONNXError) {
    let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
    guard let resolved = Self.resolved(folder) else {
      throw .malformed(reason: "the folder of \(path) cannot be found")
    }
    self.folder = resolved
    byteCountLimit = limits.externalByteCountLimit
  }

  /// Reads the bytes of a tensor that is stored elsewhere, as many as its shape and type ask for.
  package func bytes(of tensor: ONNXTensor) throws(ONNXError) -> [UInt8] {
    guard case .external(let location, let offset, let length) = tensor.storage else {
      preconditionFailure("the tensor must be external")
    }
    let path = try path(of: location, for: tensor)
    let limit = byteCountLimit / max(1, tensor.elementType.byteCount)
    guard let count = ONNXTensor.elementCount(tensor.shape, limit: limit) else {
      throw .tensor(
        name: tensor.name, reason: "it has more than the allowed \(byteCountLimit) bytes")
    }
    let byteCount = count * tensor.elementType.byteCount
    guard offset >= 0, length ?? byteCount == byteCount else {
      throw .tensor(
        name: tensor.name, reason: "it has \(length ?? 0) bytes, its shape asks for \(byteCount)")
    }
    do throws(FileError) {
      let file = try RegularFile(path, followsLink: false)
      guard byteCount <= file.byteCount, offset <= file.byteCount - byteCount else {
        throw FileError(
          "read", path,
          reason: "bytes \(offset) to \(offset.addingReportingOverflow(byteCount).partialValue) of "
            + "\(location), which has \(file.byteCount)")
      }
      return try file.read(count: byteCount, at: offset)
    } catch {
      throw fault(tensor, error.doing, location, error.reason)
    }
  }

  /// Resolves a location, and refuses one that leads out of the folder, by `..` or by a symbolic
  /// link.
  private func path(of location: String, for tensor: ONNXTensor) throws(ONNXError) -> String {
    let parts = location.split(separator: "/", omittingEmptySubsequences: false)
    guard !location.isEmpty, !location.hasPrefix("/"), !location.utf8.contains(0),
      !parts.contains("..")
    else {
      throw .tensor(
        name: tensor.name,
        reason:
          "external data at \"\(location)\", outside the model's folder: put that file beside "
          + "the model's, and export the model anew")
    }
    guard let resolved = Self.resolved("\(folder)/\(location)") else {
      throw .tensor(
        name: tensor.name,
        reason: "its numbers are in another file, \(location), which cannot be found beside the "
          + "model's (\(SystemError.text())): put it there under that name, or export the model in "
          + "one file")
    }
    guard resolved.hasPrefix(folder.hasSuffix("/") ? folder : folder + "/") else {
      throw .tensor(
        name: tensor.name,
        reason:
          "external data at \"\(location)\", outside the model's folder: put that file beside "
          + "the model's, and export the model anew")
    }
    return resolved
  }

  private static func resolved(_ path: String) -> String? {
    // SAFETY: a terminated string of the C library, freed after it was copied.
    guard let resolved = unsafe realpath(path, nil) else { return nil }
    defer { unsafe free(resolved) }
    return unsafe String(cString: resolved)
  }

  private func fault(
    _ tensor: ONNXTensor, _ doing: String, _ location: String, _ reason: String
  ) -> ONNXError {
    .tensor(name: tensor.name, reason: "cannot \(doing) \(location): \(reason)")
  }
}

extension ONNXModel {
  /// Reads the bytes of initialisers that lie in other files, in the order of their names.
  ///
  /// - Parameter byteCountLimit: Bytes of all of them together; bytes that several share count for
  ///   each.
  /// - Returns: Bytes read; nil if no tensor lies in another file.
  package mutating func include(
    _ external: ExternalData, byteCountLimit: Int
  ) throws(ONNXError) -> Int? {
    var byteCount: Int?
    for (name, tensor) in initializers.sorted(by: { $0.key < $1.key }) {
      guard case .external = tensor.storage else { continue }
      // Checked before they are read. Cannot overflow: COnnx accepts at most 2^59 elements of at
      // most eight bytes.
      let sum = (byteCount ?? 0) + tensor.shape.reduce(tensor.elementType.byteCount, *)
      guard sum <= byteCountLimit else {
        throw .overLimit(
          what: "bytes of tensors outside the file", value: sum, limit: byteCountLimit)
      }
      byteCount = sum
      initializers[name] = ONNXTensor(
        name: tensor.name, elementType: tensor.elementType, shape: tensor.shape,
        storage: .bytes(try external.bytes(of: tensor)))
    }
    return byteCount
  }
}
