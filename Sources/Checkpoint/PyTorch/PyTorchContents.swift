/// What both forms of PyTorch's files hold: a pickle, and where its storages lie.
struct PyTorchContents {
  let pickle: Pickle
  /// For each of the pickle's storages the place of its first byte in the file; all of its bytes are in the file.
  let storageStarts: [Int]
}
