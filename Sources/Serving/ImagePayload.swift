import FoundationEssentials
package import HTTPCore

/// The encoded pictures of a request, out of whichever form its body has.
package struct ImagePayload: Sendable {
  /// Or why one of them is none.
  package var images: [Result<ArraySlice<UInt8>, Problem>]
  /// Whether the answer lists results rather than being one.
  package var isList: Bool

  /// Parts of a form that are no images.
  private static let otherPartCountLimit = 16

  private struct JSONBody: Decodable {
    var image: String?
    var images: [String]?
  }

  /// Throws when the body as a whole is unusable.
  package init(_ request: Request, imageCountLimit: Int) throws(Problem) {
    guard !request.body.isEmpty else {
      throw .body("the body is empty; send a picture, for example with curl -T FILE")
    }
    let type = request.head.fields["Content-Type"].flatMap(MediaType.init)
    switch type?.essence {
    case "multipart/form-data": try self.init(request.body, multipart: type, imageCountLimit)
    case "application/json": try self.init(request.body, jsonWithLimit: imageCountLimit)
    // Whatever else is said, the bytes decide.
    default: self.init(images: [.success(request.body[...])], isList: false)
    }
  }

  private init(images: [Result<ArraySlice<UInt8>, Problem>], isList: Bool) {
    self.images = images
    self.isList = isList
  }

  private init(
    _ body: [UInt8], multipart type: MediaType?, _ imageCountLimit: Int
  ) throws(Problem) {
    guard let type else { throw .body("Content-Type is missing") }
    let parts: [Multipart.Part]
    do throws(Multipart.Failure) {
      parts = try Multipart.parse(
        body, type, partCountLimit: imageCountLimit + Self.otherPartCountLimit)
    } catch {
      switch error {
      case .malformed(let reason): throw .body("multipart/form-data: \(reason)")
      case .tooManyParts: throw Self.tooMany(imageCountLimit)
      }
    }
    let images = parts.filter { $0.name == "image" }
    guard !images.isEmpty else { throw .body("no part is named image") }
    guard images.count <= imageCountLimit else { throw Self.tooMany(imageCountLimit) }
    self.init(images: images.map { .success(body[$0.range]) }, isList: images.count > 1)
  }

  private init(_ body: [UInt8], jsonWithLimit limit: Int) throws(Problem) {
    guard let json = try? JSONDecoder().decode(JSONBody.self, from: Data(body)) else {
      throw .body(#"the body is not JSON like {"image": "<base64>"} or {"images": [...]}"#)
    }
    let texts: [String]
    switch (json.image, json.images) {
    case (let image?, nil): texts = [image]
    case (nil, let images?): texts = images
    default: throw .body(#"give either "image" or "images""#)
    }
    guard !texts.isEmpty else { throw .body(#""images" is empty"#) }
    guard texts.count <= limit else { throw Self.tooMany(limit) }
    let images = texts.map { text -> Result<ArraySlice<UInt8>, Problem> in
      guard let data = Data(base64Encoded: text), !data.isEmpty else {
        return .failure(.body("the image is not base64"))
      }
      return .success(Array(data)[...])
    }
    self.init(images: images, isList: json.images != nil)
  }

  private static func tooMany(_ limit: Int) -> Problem {
    Problem(413, "too-many-images", "more than \(limit) images in one request")
  }
}
