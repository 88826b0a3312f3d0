import Checkpoint
import Words

/// The classes of a model by the names that folders and lists of images have for them.
///
/// In this order: the label itself, WordNet's number for a model of ImageNet's classes
/// (`n01440764`), the class's number from 0, and the label but for case, blanks, `_` and `-`.
struct ClassNames: Sendable {
  /// A name that stands for no class, and what was probably meant.
  struct Unknown: Error {
    let name: String
    let reason: String
  }

  private let labels: [String]
  private var indexes: [String: Int] = [:]
  private var loose: [String: Int] = [:]
  private var synsets: [String: Int] = [:]
  /// Names that more than one class has.
  private var ambiguous: Set<String> = []
  private var looseAmbiguous: Set<String> = []

  init(labels: [String], displayNames: [String: String] = [:]) {
    self.labels = labels
    for (index, label) in labels.enumerated() {
      if indexes.updateValue(index, forKey: label) != nil { ambiguous.insert(label) }
    }
    for (index, label) in labels.enumerated() {
      for name in [label, displayNames[label]].compactMap(\.self) {
        let key = Self.loose(name)
        if let other = loose.updateValue(index, forKey: key), other != index {
          looseAmbiguous.insert(key)
        }
      }
    }
    guard Labels.areImageNet(labels) else { return }
    for (index, synset) in Labels.imageNetSynsets.enumerated() { synsets[synset] = index }
  }

  /// Returns the class that a name stands for.
  func index(of name: String) throws(Unknown) -> Int {
    if let index = indexes[name] {
      guard !ambiguous.contains(name) else {
        throw Unknown(name: name, reason: "several classes have this label; use their numbers")
      }
      return index
    }
    if let index = synsets[name] { return index }
    if !name.isEmpty, name.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
      guard let index = Int(name), labels.indices.contains(index) else {
        throw Unknown(
          name: name, reason: "the numbers of the classes are from 0 to \(labels.count - 1)")
      }
      return index
    }
    let key = Self.loose(name)
    if let index = loose[key], !looseAmbiguous.contains(key) { return index }
    throw Unknown(name: name, reason: advice(name))
  }

  private func advice(_ name: String) -> String {
    if Self.isSynset(name), synsets.isEmpty {
      return "a number of WordNet, and the model's classes are not ImageNet's 1000"
    }
    if let nearest = Suggestion.nearest(to: name, among: labels) {
      return "did you mean \"\(nearest)\"?"
    }
    let key = Self.loose(name)
    // ImageNet's labels list several names of a class.
    let parts = labels.filter { label in
      label.split(separator: ",").contains { Self.loose(String($0)) == key }
    }
    return parts.count == 1 ? "did you mean \"\(parts[0])\"?" : "no label of the model is like it"
  }

  /// Returns a name without what people write in different ways: case, blanks, `_` and `-`.
  static func loose(_ name: String) -> String {
    let scalars = name.lowercased().unicodeScalars.filter { !" _-".unicodeScalars.contains($0) }
    return String(String.UnicodeScalarView(scalars))
  }

  private static func isSynset(_ name: String) -> Bool {
    name.utf8.first == UInt8(ascii: "n") && name.utf8.count == 9
      && name.utf8.dropFirst().allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
  }
}
