import Checkpoint
import Decoding
import Engine
import Files
import Imaging
import Inference

/// Images by which a written model is to prove itself wherever it is loaded.
struct GoldenImages {
  /// Time for decoding one image.
  private static let timeout = Duration.seconds(60)

  private var images: [(name: String, bytes: [UInt8])]

  var isEmpty: Bool { images.isEmpty }

  /// Takes the images of a model's samples, whose logits are to be computed anew.
  init(of model: Model) {
    images = model.goldenSamples.enumerated().map { ("golden sample \($0)", $1.encodedImage) }
  }

  /// Reads image files.
  init(paths: [String]) throws(Failure) {
    guard paths.count <= GoldenSample.countLimit else {
      throw Failure(
        "--golden: \(paths.count) images; a model has \(GoldenSample.countLimit) at most")
    }
    images = []
    for path in paths {
      let bytes: [UInt8]
      do throws(FileError) {
        bytes = try RegularFile(path).readAll(limit: GoldenSample.imageByteCountLimit)
      } catch {
        throw Failure("--golden: \(CheckpointError(error))")
      }
      images.append((path, bytes))
    }
  }

  /// Returns the images with the logits that the model gives for them in single precision.
  func samples(of model: Model) throws -> [GoldenSample] {
    guard !images.isEmpty else { return [] }
    // They run one by one.
    let jobs = ParallelJobs(1, imageCount: 1)
    let classifier = try Classifier(jobs.compiled(model, .fp32), limits: DecodingLimits())
    let decoder = LocalDecoders().makeDecoder()
    return try images.map { name, bytes in
      switch try classifier.logits(bytes[...], by: decoder, until: .now + Self.timeout) {
      case .success(let logits):
        guard logits.allSatisfy(\.isFinite) else {
          throw Failure("\(name): the network gives numbers that are not finite")
        }
        return GoldenSample(encodedImage: bytes, logits: logits)
      case .failure(let problem): throw Failure("\(name): \(problem)")
      }
    }
  }
}
