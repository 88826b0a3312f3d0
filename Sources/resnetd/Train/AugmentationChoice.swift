/// Changes to images in every epoch, as `--augment` names them.
///
/// Crops and flips are the base, which is both unless one of them or `none` is in the list; colours
/// and erasing are added to it.
struct AugmentationChoice: Sendable, Equatable {
  private enum Word: String, CaseIterable {
    case auto, none, crop, flip, colour, erase
  }

  static let auto = AugmentationChoice()
  /// Valid values, for help and messages.
  static let allowed = "auto, none, or a list such as crop,flip,colour,erase"

  var crops = true
  var flips = true
  var colours = false
  var erases = false

  init() {}

  init(_ text: String) throws(InvalidValue) {
    let parts = text.split(separator: ",", omittingEmptySubsequences: false)
    // Both spellings are common.
    let words = parts.compactMap { Word(rawValue: $0 == "color" ? "colour" : String($0)) }
    guard words.count == parts.count, Set(words).count == words.count else {
      throw InvalidValue(expected: "\(Self.allowed), each word once")
    }
    for (alone, others) in [
      (Word.auto, [Word.none, .crop, .flip]), (.none, [.crop, .flip]),
    ] where words.contains(alone) && others.contains(where: words.contains) {
      throw InvalidValue(
        expected: "\(Self.allowed); \(alone.rawValue) says already what becomes of crops and flips")
    }
    let isBaseNamed = [.none, .crop, .flip].contains(where: words.contains)
    crops = !isBaseNamed || words.contains(.crop)
    flips = !isBaseNamed || words.contains(.flip)
    colours = words.contains(.colour)
    erases = words.contains(.erase)
  }

  /// Whether images remain as they are.
  var isNone: Bool { !crops && !flips && !colours && !erases }
}
