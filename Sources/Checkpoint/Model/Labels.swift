import CImageNet

/// A file with the names of the classes: UTF-8, one label per line, in order of the classes.
package enum Labels {
  package static let fileByteCountLimit = 64 << 20
  /// UTF-8 bytes of one label.
  package static let labelByteCountLimit = 1024

  /// Reads labels without carriage returns or space around them; the last line may end in a
  /// newline.
  ///
  /// An empty line anywhere else is an error, because it would shift the labels after it.
  package static func read(path: String) throws(CheckpointError) -> [String] {
    let bytes = try ModelBytes(mapping: path)
    guard bytes.count <= fileByteCountLimit else {
      throw .overLimit(what: "bytes of \(path)", value: bytes.count, limit: fileByteCountLimit)
    }
    let text = bytes.withBytes(in: 0..<bytes.count) { span in
      unsafe span.withUnsafeBytes { unsafe String(validating: $0, as: UTF8.self) }
    }
    guard let text else { throw .labels(path: path, line: 1, reason: "the file is not UTF-8") }
    // Splits bytes, because CR LF as one Character is neither of the two.
    var lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    if lines.last?.isEmpty == true { lines.removeLast() }
    if lines.isEmpty { throw .labels(path: path, line: 1, reason: "the file is empty") }
    var labels: [String] = []
    for (index, line) in lines.enumerated() {
      let label = String(Substring(line).trimmingSpace)
      if let fault = fault(in: label) { throw .labels(path: path, line: index + 1, reason: fault) }
      labels.append(label)
    }
    return labels
  }

  /// Describes why a string cannot be a label, or returns nil if it can.
  static func fault(in label: String) -> String? {
    if label.isEmpty { return "the label is empty" }
    if label.utf8.count > labelByteCountLimit {
      return "the label has \(label.utf8.count) bytes, at most \(labelByteCountLimit) are allowed"
    }
    if label.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) {
      return "the label has a control character"
    }
    return nil
  }
}

extension Substring {
  fileprivate var trimmingSpace: Substring {
    var rest = self
    while rest.first?.isWhitespace == true { rest.removeFirst() }
    while rest.last?.isWhitespace == true { rest.removeLast() }
    return rest
  }
}

extension Labels {
  /// Names of ImageNet's 1000 classes in torchvision's words; the header of CImageNet states their
  /// source.
  package static var imageNet: [String] {
    // SAFETY: constant text of the length given, as long-lived as the program.
    let text = unsafe UnsafeRawBufferPointer(
      start: imagenet_labels_bytes(), count: imagenet_labels_byte_count())
    return unsafe text.split(separator: UInt8(ascii: "\n")).map { line in
      unsafe String(decoding: line, as: UTF8.self)
    }
  }
}
