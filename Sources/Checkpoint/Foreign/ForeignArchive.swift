/// Zip archives of other programs, told by the names of their entries.
enum ForeignArchive {
  /// Names that a message shows, and characters of each.
  private static let shownNameCount = 3
  private static let shownCharacterCount = 40

  /// Recognises forms that other programs load; nil for anything else.
  static func known(_ names: [String]) -> ForeignFile? {
    func has(_ ending: String) -> Bool {
      names.contains { $0 == ending || $0.hasSuffix("/" + ending) }
    }
    if has("constants.pkl") {
      return ForeignFile(
        "it is a TorchScript program",
        remedy: "save its state dict, in Python: torch.save("
          + "torch.jit.load(\"model.pt\", map_location=\"cpu\").state_dict(), \"model.pth\")")
    }
    if has("serialized_exported_program.json") || has("archive_format") || has("models/model.json")
    {
      return ForeignFile(
        "it is a program of torch.export (.pt2)",
        remedy: "save its state dict, in Python: torch.save("
          + "dict(torch.export.load(\"model.pt2\").state_dict), \"model.pth\")")
    }
    if names.contains("MAR-INF/MANIFEST.json") {
      return ForeignFile(
        "it is an archive of TorchServe (.mar)",
        remedy: "unpack it (unzip) and give the weights inside, a .pth or .pt")
    }
    if names.contains("model.weights.h5") {
      return ForeignFile(
        "it is a model of Keras (.keras)", remedy: ForeignMagic.keras(loading: "model.keras"))
    }
    if !names.isEmpty, names.allSatisfy({ $0.hasSuffix(".npy") }) {
      return ForeignFile(
        "it is an archive of NumPy's arrays (.npz)",
        remedy: "make safetensors of it, in Python: safetensors.numpy.save_file("
          + "dict(numpy.load(\"model.npz\")), \"model.safetensors\")")
    }
    return nil
  }

  /// Describes an archive without the entry that torch.save writes.
  static func unknown(_ names: [String], pickleCount: Int) -> ForeignFile {
    let shown = names.sorted().prefix(shownNameCount).map { name in
      String(name.prefix(shownCharacterCount))
    }
    let contents =
      names.isEmpty
      ? "" : " (it holds \(shown.joined(separator: ", "))\(names.count > shown.count ? ", …" : ""))"
    return ForeignFile(
      "it is a zip archive with \(pickleCount) entries NAME/data.pkl, torch.save writes one"
        + contents,
      remedy: "if a model file is inside, unpack it and give that one")
  }
}
