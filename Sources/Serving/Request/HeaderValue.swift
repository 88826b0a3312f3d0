import HTTPCore

extension HeaderFields {
  /// Returns the value of a field that has one; nil without it. Throws if it comes several times with
  /// different values, of which none is the right one.
  func single(_ name: String) throws(Problem) -> String? {
    let values = values(of: name)
    if let other = values.first(where: { $0 != values[0] }) {
      throw .parameter(
        "\(name) is given twice, as \(Quotation.value(values[0])) and as \(Quotation.value(other)); "
          + "give it once")
    }
    return values.first
  }
}

extension Priority {
  /// Reads `X-Priority`, which is `low` or `normal`; without it a request is normal.
  init(_ fields: HeaderFields) throws(Problem) {
    guard let text = try fields.single("X-Priority") else {
      self = .normal
      return
    }
    switch text.lowercased() {
    case "low": self = .low
    case "normal": self = .normal
    default: throw .parameter("X-Priority is low or normal, not \(Quotation.value(text))")
    }
  }
}
