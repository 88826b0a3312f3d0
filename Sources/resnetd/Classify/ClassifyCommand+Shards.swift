import RemoteModels

/// A share of the images of a bucket or a shared volume, with its rows in parts.
extension ClassifyCommand.Settings {
  /// Folder for parts, or nil if the answers are one file.
  var folder: String? { output.flatMap { Self.isBucket($0) || $0.hasSuffix("/") ? $0 : nil } }

  /// Folder of a bucket that the images are in.
  var bucket: String? { input.flatMap { Self.isBucket($0) ? $0 : nil } }

  private static func isBucket(_ text: String) -> Bool { text.hasPrefix("s3://") }

  private static func folder(
    _ option: String, _ text: String
  ) throws(UsageError) -> ObjectFolder {
    do throws(RemoteError) {
      return try ObjectFolder(text, environment: ProgramEnvironment.all)
    } catch {
      throw UsageError("\(option) \(error)")
    }
  }

  /// Throws if images or parts cannot be where the options say.
  func checkPlaces(_ operands: [String]) throws(UsageError) {
    if let operand = operands.first(where: Self.isBucket) {
      throw UsageError("a bucket's folder is named by --input \(operand)")
    }
    if let bucket {
      guard operands.isEmpty, filesFrom == nil else {
        throw UsageError("--input s3://… is all that is classified; leave out the other images")
      }
      _ = try Self.folder("--input", bucket)
    }
    guard let folder else {
      guard partImages == nil else {
        throw UsageError("--part-images needs --output, a folder: s3://… or a path that ends in /")
      }
      return
    }
    if Self.isBucket(folder) { _ = try Self.folder("--output", folder) }
    guard format.isResumable else {
      throw UsageError("--output \(folder) is a folder for parts: --jsonl or --csv, not --json")
    }
    if let ending = WrittenFile.ending(of: folder), !folder.hasSuffix("/") {
      throw UsageError(
        "--output \(folder) is a folder for parts, not an object of type .\(ending); end it with /")
    }
    guard !force else {
      throw UsageError(
        "--force replaces a file, and --output \(folder) is a folder for parts: remove those that "
          + "are not to stay, or name another")
    }
    guard features == nil else {
      throw UsageError("--features needs a file as --output, or none: parts are gone on with")
    }
  }

  /// Opens the output, with the rows that are there where it is gone on with.
  func output(_ rows: ResultRows) throws -> ResultOutput {
    guard let folder else { return try ResultOutput(file, rows, resume, replaces: force) }
    let store: any PartStore =
      Self.isBucket(folder)
      ? BucketParts(folder: try Self.folder("--output", folder)) : try FolderParts(folder)
    return try ResultOutput(
      partsIn: store, at: folder, shard, rows, rowLimit: partImages ?? ResultParts.rowLimit)
  }

  /// Begins to find the images that are left for this run: those of `paths`, or of the bucket if that
  /// is nil.
  func images(
    _ paths: ImagePaths?, without earlier: EarlierResults,
    while isWanted: @escaping @Sendable () -> Bool
  ) throws -> any ImageSource {
    let selection = ImageSelection(shard: shard, earlier: earlier)
    if let paths { return SelectedPaths(paths, selection) }
    let folder = try Self.folder("--input", bucket ?? "")
    return try ObjectImages(folder, selection, while: isWanted)
  }
}
