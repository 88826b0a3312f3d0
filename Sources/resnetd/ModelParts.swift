/// What the command line says of a model beside its file; it wins over the file.
struct ModelParts: Sendable, Equatable {
  /// A file with one label per line.
  var labels: String?
  /// A preset's name, JSON, or a file with JSON.
  var preprocess: String?
  var name: String?

  static let labelsHelp = "one label per line, for a model without"
  static let preprocessHelp =
    "how pictures are prepared: imagenet, imagenet-v2, cifar10, JSON, or a file with JSON"
}
