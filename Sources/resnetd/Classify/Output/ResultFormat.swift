/// Form of the answers of `resnetd classify`.
enum ResultFormat: String, CaseIterable, Sendable {
  case text
  /// One document: what the server answers.
  case json
  /// A document per image, each on a line of its own.
  case jsonl
  case csv

  /// Returns the form that a file's name asks for: text if it has no ending, nil if it has another.
  init?(fileName: String) {
    guard let ending = WrittenFile.ending(of: fileName) else {
      self = .text
      return
    }
    let form = Self.allCases.first { $0.file.endings.contains(ending) }
    guard let form else { return nil }
    self = form
  }

  /// Format of a file with it.
  var file: WrittenFile.Format {
    switch self {
    case .text: .text
    case .json: .json
    case .jsonl: .jsonl
    case .csv: .csv
    }
  }

  /// Whether a file of it can be gone on with.
  var isResumable: Bool { self == .jsonl || self == .csv }
}
