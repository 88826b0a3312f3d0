import Checkpoint

/// Options with a text: names, paths, models.
extension Option {
  static func text(
    _ name: String, _ valueName: String, _ path: any Path<String>, _ help: String
  ) -> Option {
    Option(name: name, valueName: valueName, help: help) {
      (settings, text) throws(InvalidValue) in
      guard !text.isEmpty else { throw InvalidValue(expected: "a text") }
      settings[keyPath: path] = text
    } defaultText: {
      $0[keyPath: path]
    }
  }

  static func optionalText(
    _ name: String, _ valueName: String, _ path: any Path<String?>, _ help: String
  ) -> Option {
    optional(name, valueName, path, help, expected: "a text") { $0 }
  }

  /// A model's name, of characters that need no quotes anywhere.
  static func modelName(
    _ name: String, _ path: any Path<String?>, _ help: String
  ) -> Option {
    Option(name: name, valueName: "NAME", help: help) {
      (settings, text) throws(InvalidValue) in
      guard 1...Model.nameByteCountLimit ~= text.utf8.count,
        text.unicodeScalars.allSatisfy({ Model.isAllowed($0) })
      else {
        throw InvalidValue(
          expected: "1 to \(Model.nameByteCountLimit) of A-Z a-z 0-9 . _ - + @, without blanks")
      }
      settings[keyPath: path] = text
    } defaultText: {
      $0[keyPath: path]
    }
  }

  /// A file or folder, made absolute: servers record and log where it is.
  static func optionalPath(
    _ name: String, _ valueName: String, _ path: any Path<String?>, _ help: String
  ) -> Option {
    optional(name, valueName, path, help, expected: "a path", AbsolutePath.of)
  }

  /// A model's file or folder, made absolute, or the name of an embedded model.
  static func optionalModel(
    _ name: String, _ valueName: String, _ path: any Path<String?>, _ help: String
  ) -> Option {
    optional(name, valueName, path, help, expected: "a path or a name") {
      EmbeddedModel(path: $0)?.name ?? AbsolutePath.of($0)
    }
  }

  private static func optional(
    _ name: String, _ valueName: String, _ path: any Path<String?>, _ help: String,
    expected: String, _ value: @escaping @Sendable (String) -> String
  ) -> Option {
    Option(name: name, valueName: valueName, help: help) {
      (settings, text) throws(InvalidValue) in
      guard !text.isEmpty else { throw InvalidValue(expected: expected) }
      settings[keyPath: path] = value(text)
    } defaultText: {
      $0[keyPath: path]
    }
  }
}
