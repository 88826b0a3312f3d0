import HTTPCore
import HTTPServer
import Inference

/// Requests that name an image instead of sending it.
extension Service {
  /// What a request names in place of images.
  struct NamedImage {
    var url: String
    var parameters: [GivenParameter]
  }

  /// Returns the image that a body names; nil for any other body, and where none are fetched.
  func namedImage(_ body: [UInt8], _ type: String?, _ dialect: Dialect) -> NamedImage? {
    guard fetcher != nil, dialect == .classification, body.count <= ImageFetcher.bodyByteLimit,
      BodyKind(body, type.flatMap(MediaType.init)) == .json,
      // What is wrong with a body, the worker says.
      let order = try? JSONImages(body, imageCountLimit: 1, names: dialect.names),
      let url = order.address
    else { return nil }
    return NamedImage(url: url, parameters: order.parameters)
  }

  /// Starts to fetch an image, which is then classified as if it had been sent.
  ///
  /// - Parameters:
  ///   - classify: Takes the image, and the parameters with those of the body.
  ///   - refuse: Takes the problem of an image that is not fetched.
  func fetch(
    _ named: NamedImage, _ parameters: ClassificationParameters, _ exchange: Exchange,
    _ classify: @escaping @Sendable (RequestContent, ClassificationParameters) -> Void,
    _ refuse: @escaping @Sendable (Problem) -> Void
  ) throws(Problem) {
    guard let pool, let fetcher else { throw rejection }
    let model = pool.traffic.likely(parameters.canary).model
    let all = try parameters.adding(named.parameters, classCount: model.labels.count)
    try all.check(model)
    let hold = bodies.hold { $0.response }
    let order = ImageFetcher.Order(
      url: named.url, byteLimit: limits.bodyByteLimit, exchange: exchange,
      deadline: exchange.receivedAt + timeout(all), hold: hold)
    try fetcher.fetch(order) { result in
      switch result {
      case .success(let image):
        classify(
          RequestContent(image, fetchedFrom: named.url, .classification, hold: hold), all)
      case .failure(let problem): refuse(problem)
      }
    }
  }
}
