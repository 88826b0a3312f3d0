import Files
import Glibc

/// Features of images on their way to a `.npy` file, `[N, C]` in single precision: a row for each
/// image in order, NaN for those that failed.
struct FeatureFile: Sendable {
  private let descriptor: CInt
  private let path: String
  private let columnCount: Int
  private var rowCount = 0
  private var failureCount = 0

  /// Bytes of the header, whatever the number of rows.
  private static let headerByteCount = 128

  /// Begins a file that is at its start.
  init(descriptor: CInt, path: String, columnCount: Int) throws(Failure) {
    (self.descriptor, self.path, self.columnCount) = (descriptor, path, columnCount)
    try write(header)
  }

  private var header: [UInt8] {
    let header = NPYFile.header(ofRows: rowCount, columns: columnCount)
    precondition(header.count == Self.headerByteCount, "the rows must stay where they are")
    return header
  }

  /// Adds the features of the next image; nil for one that has none.
  mutating func write(_ features: [Float]?) throws(Failure) {
    rowCount += 1
    if features == nil { failureCount += 1 }
    let numbers = features ?? [Float](repeating: .nan, count: columnCount)
    try write(NPYFile.littleEndian(numbers))
  }

  /// Completes the header.
  func finish() throws(Failure) {
    guard lseek(descriptor, 0, SEEK_SET) == 0 else { throw failure }
    try write(header)
    if failureCount > 0 {
      StandardError.write(
        "resnetd classify: \(path): \(failureCount) of \(rowCount) rows are NaN, of images "
          + "without features")
    }
  }

  private var failure: Failure { Failure("\(path): cannot write it: \(SystemError.text())") }

  private func write(_ bytes: [UInt8]) throws(Failure) {
    // SAFETY: the elements are bytes.
    guard unsafe FileOutput.write(bytes.span.bytes, to: descriptor) else { throw failure }
  }
}
