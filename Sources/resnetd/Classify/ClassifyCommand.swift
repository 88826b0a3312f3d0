import Checkpoint
import Decoding
import Engine
import Files
import Glibc
import Imaging
import Inference
import ResNet
import Serving

/// `resnetd classify`: gives the server's answers without a server.
enum ClassifyCommand: Command {
  struct Settings: DecodingSettings {
    var model: String?
    var parts = ModelParts()
    var precision = PrecisionPolicy.auto
    var topK: Int?
    var minimumProbability: Float = 0
    var decoding = DecodingLimits()
    var decoders = DecoderSettings()
    var json = false
    var jsonl = false
    var csv = false
    var recursive = false
    var input: String?
    var shard = Shard.whole
    var partImages: Int?
    var allowFailures = false
    var filesFrom: String?
    var null = false
    var jobs: Int?
    var output: String?
    var features: String?
    var explain: String?
    var resume = false
    var force = false

    /// Least probability of what is shown, or nil for no limit.
    var minimum: Float? { minimumProbability > 0 ? minimumProbability : nil }

    /// File to write to, or nil for standard output.
    var file: String? { output == "-" ? nil : output }

    /// Form of the answers; without an option, that of the output's name.
    var format: ResultFormat {
      if json { return .json }
      if jsonl { return .jsonl }
      if csv { return .csv }
      if folder != nil { return .jsonl }
      // `check` refuses names that ask for nothing that is written.
      return file.flatMap(ResultFormat.init(fileName:)) ?? .text
    }
  }

  static let name = "classify"
  static let summary = "classify images in files and folders"
  static let operands = "FILE|DIR|PATTERN…"
  static let discussion = """
    Classifies images (JPEG, PNG, WebP, GIF, BMP; TIFF, AVIF and HEIC if their libraries are
    installed) as the server does, in parallel, with the answers in the order of the images; - is
    one image on standard input. Of a folder, the files with an image's ending are taken, and those
    without any ending that begin as an image does. A file that cannot be classified is reported,
    the others still are, and the exit code is 1. After SIGINT or SIGTERM what is in progress is
    finished, and --resume goes on later.
    Of many processes, each takes its --shard, of a bucket's folder for instance (--input s3://…),
    and writes its rows in parts (--output s3://…), with which the same command goes on.
    """
  static let options: [Option<Settings>] =
    [
      .flag("recursive", \.recursive, "enter the subfolders of folders, and links to folders")
        .called("r"),
      .optionalText(
        "input", "PLACE", \.input,
        "the images of s3://BUCKET/FOLDER, at any depth; or as an operand"),
      .shard(
        "shard", \.shard,
        "only the images of share I of N, from 0/N on; their names decide it"),
      .optionalText(
        "files-from", "FILE", \.filesFrom,
        "also the images whose paths are in FILE, one per line; - is standard input"),
      .flag("null", \.null, "paths in --files-from end with NUL, as of find -print0")
        .called("0"),
      .optionalInteger(
        "jobs", "N", \.jobs, in: 1...CPUPlan.workerLimit,
        "images to classify in parallel (default: the cores that may be used)"
      ).called("j"),
      .flag("csv", \.csv, "print CSV, a row per image").inPlaceOf("json", "jsonl"),
      .flag("jsonl", \.jsonl, "print JSON, a line per image").inPlaceOf("json", "csv"),
      .flag("json", \.json, "print JSON as the server answers it").inPlaceOf("csv", "jsonl"),
      .optionalText(
        "output", "FILE", \.output,
        "write there, as CSV, JSON lines or JSON if its name ends in .csv, .jsonl or .json; into a "
          + "folder, s3://… or a path that ends in /, as parts"
      ).called("o"),
      .optionalInteger(
        "part-images", "N", \.partImages, in: 1...1_000_000,
        "images of a part (default: \(ResultParts.rowLimit))"),
      .flag(
        "allow-failures", \.allowFailures,
        "exit with 0 although images cannot be classified; their rows say why"),
      .optionalText(
        "features", "FILE.npy", \.features,
        "write the images' features there, an array [images, features] in their order"),
      .optionalText(
        "explain", "FILE.png", \.explain,
        "for one image: write what the network sees there, with where it found the best class "
          + "painted over it"),
      .flag("resume", \.resume, "go on with --output: pass over images that it has a row of"),
      .flag("force", \.force, "replace --output if it exists").inPlaceOf("resume"),
      .optionalInteger(
        "top-k", "K", \.topK, in: 1...1_000_000,
        "classes to show, at most those of the model (default: 5, or all of fewer)"),
      .fraction("min-probability", "P", \.minimumProbability, "show no class below this"),
      .optionalText("model", "FILE|NAME", \.model, ModelParts.modelHelp),
    ] + ModelParts.options(of: \.parts) + [
      .choice("precision", \.precision, "numbers it computes with, as for serve"),
      .integer(
        "pixel-limit", "N", \.decoding.pixelCountLimit, in: 1...DecodingLimits.pixelCountCeiling,
        "width x height of an image"),
    ] + Option.decoding
  static let decodes = true

  static func run(_ settings: Settings, operands: [String]) throws -> ExitCode {
    try run(settings, operands: operands, spawner: nil)
  }

  static func run(_ settings: Settings, operands: [String], spawner: Spawner?) throws -> ExitCode {
    try check(settings, operands)
    let interruption = try EndingSignals(command: name)
    let list = try settings.filesFrom.map { path throws(Failure) in
      try ImageList(path, isNULSeparated: settings.null) { !interruption.hasHappened }
    }
    let places = operands + (settings.bucket == nil ? settings.input.map { [$0] } ?? [] : [])
    let paths =
      settings.bucket == nil
      ? try ImagePaths(places, isRecursive: settings.recursive, list: list) : nil
    let isAlone = paths?.isAlone == true && settings.shard.isWhole
    let model = try ModelSource.load(settings.model, settings.parts)
    let jobs = ParallelJobs(settings.jobs, imageCount: paths?.total)
    let live = try jobs.compiled(model, try ModelSource.precision(settings.precision, for: model))
    guard settings.minimum == nil || live.output.givesProbabilities else {
      throw Failure(
        "--min-probability does not apply: the outputs of \(model.name) are scores, not "
          + "probabilities; leave it out")
    }
    let classCount = live.labels.count
    if let topK = settings.topK, topK > classCount {
      throw Failure(
        "--top-k is a whole number from 1 to \(classCount), the classes of \(live.name), not \(topK)"
      )
    }
    let rows = try ResultRows(
      live, settings.parts, settings.format,
      topK: settings.topK ?? min(ClassificationParameters.defaultTopK, classCount),
      minimum: settings.minimum,
      isAlone: isAlone)
    let explanation = try ExplanationFile(
      settings, isAlone: isAlone, live)
    let output = try settings.output(rows)
    let images = try settings.images(paths, without: output.earlier) { !interruption.hasHappened }
    defer { images.end() }
    let decoders = jobs.decoders(settings.decoders, spawner, for: [live])
    return try writingFeatures(of: live, settings) { features in
      let run = ClassifyRun(
        images, rows, output, features, explanation, interruption,
        allowsFailures: settings.allowFailures)
      var inner: InnerOutputs = []
      if features != nil { inner.insert(.features) }
      if explanation != nil { inner.insert(.lastMap) }
      return try run.run(threads: jobs.count, batch: jobs.batch(of: live)) { [inner] in
        try ImageClassifier(
          live, limits: settings.decoding, decoders, inner: inner, overlay: explanation?.overlay)
      }
    }
  }

  /// An end after which no file of features appears.
  private struct EarlyEnd: Error {
    let code: ExitCode
  }

  /// Calls `body` with the file of features, if one is wanted, which appears at the end.
  private static func writingFeatures(
    of model: CompiledModel, _ settings: Settings, _ body: (FeatureFile?) throws -> ExitCode
  ) throws -> ExitCode {
    guard let path = settings.features else { return try body(nil) }
    let count: Int
    do throws(FeatureFault) { count = try model.featureCount.get() } catch {
      throw Failure("--features does not apply: \(error); leave it out")
    }
    try WrittenFile.checkFree(
      path, replaces: settings.force,
      remedies: "--force replaces it, another --features leaves it")
    var code = ExitCode.success
    do {
      let failure: (FileError) -> any Error = { Failure($0.description) }
      try AtomicFile.write(to: path, orThrow: failure) { file in
        code = try body(
          FeatureFile(descriptor: file.descriptor, path: path, columnCount: count))
        guard code == .success || code == .failure else { throw EarlyEnd(code: code) }
      }
    } catch let end as EarlyEnd {
      StandardError.write("resnetd classify: \(path) is not written, because the run ended early")
      return end.code
    }
    return code
  }

  /// Refuses names of files that promise another form than the answers have.
  private static func checkNames(_ settings: Settings) throws(UsageError) {
    if let features = settings.features {
      try WrittenFile.check(features, "--features", holds: .npy)
    }
    if let explain = settings.explain {
      guard explain != "-" else {
        throw UsageError("--explain needs a file: standard output has the classes")
      }
      try WrittenFile.check(explain, "--explain", holds: .png)
    }
    guard settings.folder == nil, let file = settings.file else { return }
    if !settings.json, !settings.jsonl, !settings.csv, ResultFormat(fileName: file) == nil {
      throw UsageError(
        "--output ends in .\(WrittenFile.ending(of: file) ?? ""), which is not written; it may end in "
          + ".csv, .jsonl, .json or .txt, or --csv, --jsonl or --json says what it holds")
    }
    try WrittenFile.check(file, "--output", holds: settings.format.file)
  }

  private static func check(_ settings: Settings, _ operands: [String]) throws(UsageError) {
    try checkNames(settings)
    try settings.checkPlaces(operands)
    guard !operands.isEmpty || settings.filesFrom != nil || settings.input != nil else {
      throw UsageError("name one or more images")
    }
    guard !settings.null || settings.filesFrom != nil else {
      throw UsageError("--null needs --files-from, the list whose paths end with NUL")
    }
    guard settings.filesFrom != "-" || !operands.contains("-") else {
      throw UsageError("standard input is either an image, -, or the list of --files-from -")
    }
    guard settings.file != nil || !settings.resume else {
      throw UsageError("--resume needs --output, a file")
    }
    let writes = settings.file != nil || settings.features != nil || settings.explain != nil
    guard writes || !settings.force else {
      throw UsageError("--force needs --output, a file, --features or --explain")
    }
    guard settings.features == nil || !settings.resume else {
      throw UsageError("--features begins anew, and --resume goes on: give one of them")
    }
    guard !settings.resume || settings.format.isResumable else {
      throw UsageError("--resume needs --csv or --jsonl, or an --output that ends in one of them")
    }
  }
}
