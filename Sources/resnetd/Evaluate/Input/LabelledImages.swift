/// An image and the class that it is said to have.
struct LabelledImage: Sendable {
  var image: ListedImage
  var label: Int
}

/// A source of labelled images, in an order that does not change.
protocol LabelledImages: Sendable {
  /// Number of all images, or nil as long as it is not known.
  var total: Int? { get }
  /// Sentences about what is not evaluated.
  var notes: [String] { get }

  /// Returns up to `limit` images, none at the end.
  mutating func take(_ limit: Int) throws(Failure) -> [LabelledImage]
}

/// Names that stand for no class of the model: an error, or passed over with a note.
struct UnknownClasses {
  private static let shownCount = 5

  private(set) var unknown: [ClassNames.Unknown] = []
  private(set) var imageCount = 0

  mutating func add(_ error: ClassNames.Unknown, imageCount: Int = 0) {
    unknown.append(error)
    self.imageCount += imageCount
  }

  private var text: String {
    let shown = unknown.prefix(Self.shownCount).map {
      "\"\(PlainText.line(String($0.name.prefix(80))))\" (\($0.reason))"
    }
    let rest = unknown.count - shown.count
    return shown.joined(separator: ", ") + (rest > 0 ? " and \(rest) more" : "")
  }

  /// Returns a note for names that are passed over, or nil if there are none.
  ///
  /// - Throws: What the names are, unless they are to be passed over.
  func note(of what: String, isAllowed: Bool) throws(Failure) -> String? {
    guard !unknown.isEmpty else { return nil }
    guard isAllowed else {
      throw Failure(
        "\(what) that are not classes of the model: \(text); give the model its --labels, or pass "
          + "them over with --allow-unknown")
    }
    return "passed over, not classes of the model: \(text)"
  }
}
