/// Form of the answers of `resnetd classify`.
enum ResultFormat: String, Sendable {
  case text
  /// One document: what the server answers.
  case json
  /// A document per image, each on a line of its own.
  case jsonl
  case csv

  /// Returns the form that a file's name asks for; text if it asks for none.
  init(fileName: String) {
    let ending = fileName.split(separator: ".", omittingEmptySubsequences: false).last ?? ""
    self = ResultFormat(rawValue: ending.lowercased()) ?? .text
  }

  /// Whether a file of it can be gone on with.
  var isResumable: Bool { self == .jsonl || self == .csv }
}
