/// An object as a listing shows it.
package struct ListedObject: Sendable, Hashable {
  package let key: String
  package let byteCount: Int

  package init(key: String, byteCount: Int) { (self.key, self.byteCount) = (key, byteCount) }
}

/// One page of a bucket's listing (ListObjectsV2 of the Amazon S3 API Reference).
///
///     <ListBucketResult>
///       <EncodingType>url</EncodingType> <IsTruncated>true</IsTruncated>
///       <NextContinuationToken>1ueGc…</NextContinuationToken>
///       <Contents><Key>a+b%2Bc.jpg</Key><Size>434234</Size>…</Contents>
///       …
package struct ObjectPage: Sendable, Hashable {
  private static let root = "ListBucketResult"

  /// Objects in the order of the server, which is that of the bytes of their keys on AWS.
  package let objects: [ListedObject]
  /// Token of the next page, or nil at the end.
  package let next: String?

  /// Reason why an answer is not a page.
  struct Fault: Error, Hashable { let reason: String }

  init(xml: [UInt8]) throws(Fault) {
    let elements: [XMLElement]
    do throws(XMLDocument.Fault) { elements = try XMLDocument.elements(of: xml) } catch {
      throw Fault(reason: "line \(error.line): \(error.reason)")
    }
    guard elements.last?.path == Self.root else {
      throw Fault(reason: "it is not a \(Self.root)")
    }
    var (isEncoded, isTruncated) = (false, false)
    var token: String?
    var contents: [(key: String, byteCount: Int)] = []
    var key: String?
    var byteCount: Int?
    for element in elements {
      switch element.path.dropFirst(Self.root.utf8.count + 1) {
      case "EncodingType": isEncoded = element.text == "url"
      case "IsTruncated": isTruncated = element.text == "true"
      case "NextContinuationToken": token = element.text
      case "Contents/Key": key = element.text
      case "Contents/Size": byteCount = Int(element.text)
      case "Contents":
        guard let whole = key, let count = byteCount, count >= 0 else {
          throw Fault(reason: "an object has no Key or Size")
        }
        contents.append((whole, count))
        (key, byteCount) = (nil, nil)
      default: break
      }
    }
    var objects: [ListedObject] = []
    for (key, byteCount) in contents {
      guard let name = isEncoded ? PercentCoding.decoded(key) : key else {
        throw Fault(reason: "a key is not percent-encoded UTF-8")
      }
      objects.append(ListedObject(key: name, byteCount: byteCount))
    }
    guard !isTruncated || token?.isEmpty == false else {
      throw Fault(reason: "it is truncated and has no NextContinuationToken")
    }
    self.objects = objects
    next = isTruncated ? token : nil
  }
}
