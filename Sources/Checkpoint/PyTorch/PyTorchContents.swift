/// Contents of both forms of PyTorch's files: a pickle, and the places of its storages.
struct PyTorchContents {
  let pickle: Pickle
  /// Offset of each storage's first byte in the file, which contains all of its bytes.
  let storageStarts: [Int]
}
