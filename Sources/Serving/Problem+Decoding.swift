package import Decoding

extension Problem {
  package init(_ failure: DecodingFailure) {
    switch failure {
    case .image(let error): self.init(error)
    case .deadline: self = .deadline
    case .crashed: self.init(400, "corrupt-image", failure.description)
    case .tooLarge, .tooSlow, .outgrown: self.init(413, "image-too-large", failure.description)
    case .noRoom: self.init(503, "overloaded", failure.description, retryAfterSeconds: 1)
    // Why is for the log.
    case .unavailable:
      self.init(
        503, "unavailable", "images cannot be decoded at the moment", retryAfterSeconds: 1)
    }
  }
}
