/// A pickle that `torch.save` did not write: a dictionary of NumPy arrays.
enum PlainPickle {
  private static let otherPickle = ForeignFile(
    "it is a pickle without PyTorch's magic number and without NumPy arrays",
    remedy: "load it in Python and save its state dict with torch.save, or its arrays with "
      + "safetensors.numpy.save_file")

  static func read(_ bytes: ModelBytes) throws(CheckpointError) -> PyTorchContents {
    let pickle = try PickleMachine.run(
      PickleCursor(bytes, in: 0..<bytes.count, format: .pickle))
    guard pickle.storages.isEmpty, pickle.unreadStorages.isEmpty else {
      throw .unsupported(
        "a pickle of tensors without their numbers: it is a part of a file of PyTorch")
    }
    guard pickle.hasArrays else {
      // The file `.metadata` of such a folder.
      let isDistributed =
        pickle.className(pickle.root)?.hasPrefix("torch.distributed.checkpoint.") == true
      throw isDistributed ? ForeignFile.distributedCheckpoint.error : otherPickle.error
    }
    guard pickle.end == bytes.count else {
      throw .malformed(
        format: .pickle, offset: pickle.end,
        reason: "\(bytes.count - pickle.end) bytes after the pickle")
    }
    return PyTorchContents(pickle: pickle, storageStarts: [])
  }
}
