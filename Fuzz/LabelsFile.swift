import Checkpoint

/// Fuzzes any bytes as a labels file, under names that may be anything, must be JSON and are a table.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzLabelsFile(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = unsafe [UInt8](UnsafeBufferPointer(start: start, count: count))
  for path in ["labels.txt", "labels.json", "labels.csv"] {
    // Errors are the expected end of most inputs; a crash, a hang or a leak is not.
    guard let labels = try? Labels.read(bytes: bytes, path: path) else { continue }
    precondition(!labels.isEmpty, "a file without labels must be an error")
    precondition(
      labels.allSatisfy { !$0.isEmpty && $0.utf8.count <= Labels.labelByteCountLimit },
      "every label must be one")
    // Escapes of JSON are longer than what they stand for, and numbers give labels nothing.
    precondition(
      labels.reduce(0) { $0 + $1.utf8.count } <= bytes.count, "labels must come from the file")
  }
  return 0
}
