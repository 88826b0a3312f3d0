import CProgram

/// The environment of the process.
enum ProgramEnvironment {
  /// Values by name; of two with one name the first, which `getenv` finds.
  static var all: [String: String] {
    var values: [String: String] = [:]
    var index: CInt = 0
    while let text = unsafe program_environment_entry(index) {
      index += 1
      // SAFETY: the process owns the string, and changes none once it has threads.
      let entry = unsafe String(cString: text)
      guard let sign = entry.firstIndex(of: "=") else { continue }
      let name = String(entry[..<sign])
      if values[name] == nil { values[name] = String(entry[entry.index(after: sign)...]) }
    }
    return values
  }
}
