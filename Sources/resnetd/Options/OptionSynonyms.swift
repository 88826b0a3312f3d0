import Words

/// Options by what other programs call them: torchvision's and timm's scripts, Keras, curl, grep and
/// others.
enum OptionSynonyms {
  /// Names of options in order of preference, by words without dashes in front.
  private static let names: [String: [String]] = {
    var names: [String: [String]] = [:]
    for (options, words) in groups {
      for word in words.split(whereSeparator: \.isWhitespace) {
        names[String(word), default: []] += options
      }
    }
    return names
  }()

  private static let groups: [(options: [String], words: String)] = [
    (["model"], "checkpoint ckpt pretrained model-path model-file path file onnx load m"),
    (["weights"], "ema use-ema model-ema state-dict key"),
    (["arch"], "architecture variant network net backbone model-name"),
    (["labels"], "classes class-names class-map class-list label-file names classnames synset"),
    (
      ["preprocess"],
      """
      resize resize-mode resize-size crop crop-size crop-pct center-crop interpolation mean std
      normalize normalise norm input-size img-size image-size imgsz size transform transforms
      preprocessing preprocessor contract config channels range letterbox scale
      """
    ),
    (["activation"], "softmax sigmoid multi-label multilabel logits raw-scores"),
    (["top-k"], "k n top top-n num-results results max-results num-predictions predictions"),
    (
      ["min-probability"],
      "threshold thresh confidence conf conf-thres min-confidence min-score score cutoff probability"
    ),
    (["max-batch", "batch"], "batch-size batch bs b"),
    (
      ["threads", "jobs", "workers"],
      "thread num-threads nthreads nproc parallel parallelism procs processes cpus cores"
    ),
    (["port", "jobs"], "p listen-port http-port"),
    (["workers", "jobs"], "num-workers worker parallel-jobs max-workers"),
    (["precision"], "dtype amp fp16 half bf16 bfloat16 int8 fp32 quantized data-type"),
    (
      ["output", "json"],
      "out outfile output-file output-path output-dir dest destination save save-to write o"
    ),
    (["page"], "report"),
    (["json", "csv", "jsonl", "to"], "format output-format results-format report as"),
    (["learning-rate"], "lr max-lr initial-lr rate"),
    (["held-out"], "val-split validation-split test-size split holdout val-fraction"),
    (["from"], "model checkpoint init weights-from base"),
    (["min-probability"], "min-prob"),
    (["jobs"], "threads workers"),
    (["shard"], "shards num-shards shard-index shard-count rank world-size partition"),
    (["part-images"], "part-size rows-per-part rows-per-file chunk-size"),
    (
      ["files-from", "list"],
      "input-file file-list image-list from-file filelist val-list annotations"
    ),
    (
      ["calibrate"], "calibration calib calib-data calibration-dir data data-dir dataset images-dir"
    ),
    (["evaluate"], "val validation val-dir test test-dir"),
    (["pictures"], "images num-images max-images samples num-samples limit"),
    (["minimum-agreement"], "min-agreement tolerance agreement"),
    (["recursive"], "recurse subfolders walk deep r"),
    (["resume"], "continue continue-at restart append"),
    (["force"], "overwrite replace yes clobber f y"),
    (["features"], "embedding embeddings feature vectors"),
    (
      ["fetch-from"],
      "fetch-hosts allow-urls allowed-hosts allowed-urls url-hosts allow-fetch fetch"
    ),
    (
      ["cors-origin"], "cors cors-origins allow-origin allow-origins allowed-origins origins origin"
    ),
    (["host"], "address addr bind listen interface ip server"),
    (["timeout", "request-timeout"], "max-time wait time-limit deadline connect-timeout"),
    (["api-keys", "admin-token-file"], "api-key api-keys-file keys apikey key-file"),
    (["admin-token-file"], "token auth bearer password"),
    (["log-format"], "log logging log-level verbose v quiet q silent"),
    (["body-limit"], "max-body max-size max-filesize upload-limit max-request-size"),
    (["queue-limit"], "queue backlog max-queue max-concurrent"),
    (["retries"], "retry attempts tries"),
    (["from"], "url mirror source src base-url"),
    (["labels", "name"], "title"),
    (["check"], "verify validate compare reference"),
    (["to"], "form target"),
    (["sandbox"], "no-sandbox seccomp isolate"),
    (["model-store"], "store bucket s3 repository model-repository model-dir model-control-mode"),
    (["state-dir"], "state data-path storage cache-dir"),
    (["page"], "html report-file html-report"),
    (["seconds"], "duration time iterations iters repeat runs"),
  ]

  /// Returns the option of a command that other programs call so; nil if there is none.
  static func option(for word: String, among options: [String]) -> String? {
    let word = word.lowercased().replacingText("_", with: "-")
    return names[word]?.first { options.contains($0) }
  }
}
