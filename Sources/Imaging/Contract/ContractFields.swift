/// Members of one object of a contract: every key is known, and every value one of those allowed.
struct ContractFields {
  /// Name of the object in messages; empty for the contract itself.
  let path: String
  private let members: [String: ContractValue]

  init(_ value: ContractValue, path: String = "") throws(ImagingError) {
    guard case .object(let members) = value else {
      let name = path.isEmpty ? "the contract" : path
      throw .invalidContract(
        reason: "\(name) is \(value); it must be an object with the keys "
          + ContractKey.allowed(in: path).joined(separator: ", "))
    }
    self.path = path
    self.members = members
  }

  /// Throws if a key is not allowed; `condition` says what makes it so.
  func check(allowed: [String], _ condition: String = "") throws(ImagingError) {
    guard let key = members.keys.sorted().first(where: { !allowed.contains($0) }) else { return }
    let meant = ContractKey.meant(by: key, in: path, among: allowed)
    throw .invalidContract(
      reason: "unknown key \(ContractValue.quoted(key))" + (path.isEmpty ? "" : " in \(path)")
        + condition + (meant.map { " (did you mean \($0)?)" } ?? "")
        + "; allowed are \(allowed.joined(separator: ", "))")
  }

  func has(_ key: String) -> Bool { members[key] != nil }

  func name(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

  /// Returns the value of a key that has no default; `remedy` says what to write.
  func required(_ key: String, _ remedy: String) throws(ImagingError) -> ContractValue {
    guard let value = members[key] else {
      throw .invalidContract(reason: "\(name(key)) is missing: \(remedy)")
    }
    return value
  }

  /// Returns the object under a key, or nil if there is none.
  func object(_ key: String) throws(ImagingError) -> ContractFields? {
    guard let value = members[key] else { return nil }
    return try ContractFields(value, path: name(key))
  }

  /// Returns the value of one of few strings, nil if the key is absent.
  func choice<Value: RawRepresentable<String> & CaseIterable>(
    _ key: String, _: Value.Type = Value.self
  ) throws(ImagingError) -> Value? {
    guard let value = members[key] else { return nil }
    return try choice(key, value)
  }

  /// Returns the value of one of few strings, which must be there.
  func requiredChoice<Value: RawRepresentable<String> & CaseIterable>(
    _ key: String, _: Value.Type
  ) throws(ImagingError) -> Value {
    let allowed = Value.allCases.map(\.rawValue).joined(separator: ", ")
    return try choice(key, try required(key, "allowed are \(allowed)"))
  }

  private func choice<Value: RawRepresentable<String> & CaseIterable>(
    _ key: String, _ value: ContractValue
  ) throws(ImagingError) -> Value {
    if case .string(let string) = value, let choice = Value(rawValue: string) { return choice }
    throw fault(key, value, Value.allCases.map(\.rawValue))
  }

  func boolean(_ key: String) throws(ImagingError) -> Bool? {
    guard let value = members[key] else { return nil }
    guard case .boolean(let truth) = value else { throw fault(key, value, ["true", "false"]) }
    return truth
  }

  /// Returns a whole number, nil if the key is absent.
  func integer(_ key: String) throws(ImagingError) -> Int? {
    guard let value = members[key] else { return nil }
    guard case .number(let number, _) = value, let integer = Int(exactly: number) else {
      throw .invalidContract(reason: "\(name(key)) is \(value); it must be a whole number")
    }
    return integer
  }

  /// Returns a side of an image in pixels.
  func side(_ key: String, _ remedy: String) throws(ImagingError) -> Int {
    _ = try required(key, remedy)
    return try integer(key) ?? 0
  }

  /// Returns a list of numbers.
  func numbers(_ key: String, _ remedy: String) throws(ImagingError) -> [Float] {
    let value = try required(key, "write \(remedy)")
    guard case .list(let list) = value else {
      var example = ""
      if case .number = value {
        example = ", such as [\(value), \(value), \(value)] for colours or [\(value)] for grey"
      }
      throw .invalidContract(reason: "\(name(key)) is \(value); it must be \(remedy)\(example)")
    }
    var numbers: [Float] = []
    for element in list {
      guard case .number(let exact, let number) = element else {
        throw .invalidContract(reason: "\(name(key)) is \(value); it must be \(remedy)")
      }
      guard number.isFinite, exact == 0 || number != 0 else {
        throw .invalidContract(
          reason: "\(name(key)) has \(exact), which single precision does not hold; it holds 0 and "
            + "numbers from 1e-38 to 3e38, of either sign")
      }
      numbers.append(number)
    }
    return numbers
  }

  /// Returns a number above 0 and at most 1.
  func fraction(_ key: String, _ remedy: String) throws(ImagingError) -> Double {
    let value = try required(key, remedy)
    guard case .number(let number, _) = value, number > 0, number <= 1 else {
      throw .invalidContract(
        reason: "\(name(key)) is \(value); it must be a number above 0 and at most 1")
    }
    return number
  }

  /// Returns a colour of three bytes, nil if the key is absent.
  func colour(_ key: String) throws(ImagingError) -> Colour? {
    guard let value = members[key] else { return nil }
    var bytes: [UInt8] = []
    if case .list(let list) = value {
      for case .number(let number, _) in list {
        if let byte = UInt8(exactly: number) { bytes.append(byte) }
      }
      if list.count == 3, bytes.count == 3 {
        return Colour(red: bytes[0], green: bytes[1], blue: bytes[2])
      }
    }
    throw .invalidContract(
      reason: "\(name(key)) is \(value); it must be a colour of three whole numbers from 0 to 255")
  }

  private func fault(_ key: String, _ value: ContractValue, _ allowed: [String]) -> ImagingError {
    var meant: String?
    if case .string(let string) = value {
      meant = ContractKey.value(meantBy: string, among: allowed)
    }
    return .invalidContract(
      reason: "\(name(key)) is \(value)" + (meant.map { " (did you mean \"\($0)\"?)" } ?? "")
        + "; allowed are \(allowed.joined(separator: ", "))")
  }
}
