/// Regular expression that names the group of an image's path: its first capture, or all of the
/// match.
struct GroupPattern: Sendable, Equatable {
  let text: String
  private let expression: RegularExpression

  /// Throws if it is not a regular expression.
  init(_ text: String) throws(InvalidValue) {
    self.text = text
    do throws(RegularExpression.Fault) {
      expression = try RegularExpression(text)
    } catch {
      throw InvalidValue(
        expected: #"a regular expression for paths, such as "(scene[0-9]+)_""#)
    }
  }

  static func == (left: GroupPattern, right: GroupPattern) -> Bool { left.text == right.text }

  /// Returns the name of each path's group; nil for one that does not match and is a group of its
  /// own.
  ///
  /// Some expressions take a time that doubles with each letter of a path, and are given up.
  func groups(of paths: [String]) throws(Failure) -> [String?] {
    var names: [String?] = []
    for path in paths {
      do throws(RegularExpression.Fault) {
        names.append(try expression.captured(in: path))
      } catch {
        throw Failure(
          "--group-by \(text): it takes too long for \(path); repetitions within repetitions, such "
            + "as (a+)+, do: write it without")
      }
    }
    return names
  }
}
