import HTTPCore
import RemoteModels
import Testing

/// What a bucket refuses, and what is wrong with what it sends.
@Suite struct ObjectRefusalTests {
  private static func error(_ body: () throws -> Void) -> ObjectError? {
    do {
      try body()
      return nil
    } catch {
      return error as? ObjectError
    }
  }

  @Test(
    "A refusal is told with the server's words and what to do",
    arguments: [
      (
        404, "NoSuchBucket", "", true,
        "status 404, NoSuchBucket, Words; check the name, and AWS_ENDPOINT_URL"
      ),
      (403, "AccessDenied", "", true, "AccessDenied, Words; the credentials need s3:ListBucket"),
      (
        403, "AccessDenied", "", false,
        "no credentials are set: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
      ),
      (
        400, "AuthorizationHeaderMalformed", "<Region>us-west-2</Region>", true,
        "the bucket is in us-west-2: set AWS_REGION to it"
      ),
      (403, "SignatureDoesNotMatch", "", true, "check AWS_ACCESS_KEY_ID and"),
      (403, "InvalidAccessKeyId", "", true, "check AWS_ACCESS_KEY_ID and"),
      (400, "ExpiredToken", "", true, "set fresh credentials"),
      (403, "RequestTimeTooSkewed", "", true, "set this machine's clock"),
    ])
  func refusals(
    status: Int, code: String, more: String, isSigned: Bool, words: String
  ) throws {
    try withBucket("x", isSigned: isSigned) { host, bucket in
      host.answer(refusal(status, code, "Words", more: more))
      let error = try #require(Self.error { _ = try bucket.page() })
      #expect(error.description.hasPrefix("cannot list s3://bucket/x/: status \(status), \(code)"))
      #expect(error.description.contains(words), "\(error)")
      #expect(error.objectFault == nil)
    }
  }

  @Test("The region that a server names is told, unless requests are signed for it")
  func regions() throws {
    try withBucket { host, bucket in
      for (region, isTold) in [("us-west-2", true), ("eu-central-1", false)] {
        host.answer(
          Response(status: 301, fields: HeaderFields([("x-amz-bucket-region", region)])))
        let error = try #require(Self.error { _ = try bucket.page() })
        #expect(error.description.contains("the bucket is in \(region)") == isTold, "\(error)")
      }
    }
  }

  @Test(
    "What is the fault of one object does not keep others from being read",
    arguments: [
      (404, "NoSuchKey", true), (403, "InvalidObjectState", true), (404, "", true),
      (404, "NoSuchBucket", false), (403, "AccessDenied", false), (400, "ExpiredToken", false),
    ])
  func objectFaults(status: Int, code: String, isOfObject: Bool) throws {
    try withBucket { host, bucket in
      host.answer(refusal(status, code, ""))
      let error = try #require(Self.error { _ = try bucket.read("a", byteLimit: 9) })
      #expect((error.objectFault != nil) == isOfObject, "\(error)")
      host.answer(refusal(status, code, ""))
      #expect(
        Self.error { try bucket.create("a", [1], contentType: "text/csv") }?.objectFault == nil)
    }
  }

  private static let page = """
    <ListBucketResult><IsTruncated>true</IsTruncated><EncodingType>url</EncodingType>\
    <NextContinuationToken>t</NextContinuationToken>\
    <Contents><Size>3</Size><Key>a%41+</Key></Contents></ListBucketResult>
    """

  @Test("A listing's elements may come in any order")
  func order() throws {
    try withBucket { host, bucket in
      host.answer(Response(status: 200, body: Array(Self.page.utf8)))
      let page = try bucket.page()
      #expect(page.objects == [ListedObject(key: "aA ", byteCount: 3)] && page.next == "t")
      let plain = Self.page.replacing("<EncodingType>url</EncodingType>", with: "")
      host.answer(Response(status: 200, body: Array(plain.utf8)))
      #expect(try bucket.page().objects.map(\.key) == ["a%41+"])
    }
  }

  @Test("A listing that ends anywhere is refused")
  func cuts() throws {
    try withBucket { host, bucket in
      for count in 0..<Self.page.utf8.count {
        host.answer(Response(status: 200, body: Array(Self.page.utf8.prefix(count))))
        let error = try #require(Self.error { _ = try bucket.page() })
        #expect(error.description.contains("the answer is not a listing of S3"), "\(error)")
      }
    }
  }

  @Test(
    "What is not a page is refused",
    arguments: [
      ("<ListBucketResult>", "</ListBucketResult>", "line 1: "),
      ("ListBucketResult", "Other", "not a ListBucketResult"),
      ("<ListBucketResult>", "<!DOCTYPE a [<!ENTITY b \"c\">]><ListBucketResult>", "document type"),
      ("<Size>3</Size>", "<Size>-3</Size>", "no Key or Size"),
      ("<Size>3</Size>", "", "no Key or Size"),
      ("<Key>a%41+</Key>", "", "no Key or Size"),
      ("a%41+", "a%4", "percent-encoded"), ("a%41+", "%FF", "percent-encoded"),
      ("<NextContinuationToken>t</NextContinuationToken>", "", "no NextContinuationToken"),
      (
        "<Size>3</Size>",
        String(repeating: "<a>", count: 20) + String(repeating: "</a>", count: 20), "inside each"
      ),
    ])
  func faults(text: String, replacement: String, reason: String) throws {
    try withBucket { host, bucket in
      let body = Self.page.replacing(text, with: replacement)
      host.answer(Response(status: 200, body: Array(body.utf8)))
      let error = try #require(Self.error { _ = try bucket.page() })
      #expect(error.description.contains(reason), "\(error)")
    }
  }

  @Test("A page that names itself as the next one ends the listing")
  func loops() throws {
    try withBucket { host, bucket in
      host.answer(Response(status: 200, body: Array(Self.page.utf8)))
      let error = try #require(Self.error { _ = try bucket.page(after: "t") })
      #expect(error.description.contains("a page is its own next one"))
    }
  }

  @Test(
    "A folder is a bucket's name with the beginning of the keys",
    arguments: [
      ("s3://bucket", "", "s3://bucket/"), ("s3://bucket/", "", "s3://bucket/"),
      ("s3://bucket/a", "a/", "s3://bucket/a/"), ("s3://bucket/a b/ö/", "a b/ö/", nil),
      ("s3://bucket/a//", "a//", nil),
    ])
  func folders(text: String, prefix: String, description: String?) throws {
    let folder = try ObjectFolder(text, environment: [:])
    #expect(folder.prefix == prefix && folder.description == description ?? text)
    #expect(folder.name(of: "k") == "s3://bucket/k")
  }

  @Test(arguments: ["bucket/a", "s3://", "s3://B", "s3://u:secret@b/c"])
  func `what is not a folder of a bucket is refused without its secrets`(_ text: String) {
    #expect {
      try ObjectFolder(text, environment: [:])
    } throws: {
      !"\($0)".contains("secret") && !"\($0)".contains("model store")
    }
    #expect(throws: RemoteError.self) {
      try ObjectFolder("s3://bucket", environment: ["AWS_ACCESS_KEY_ID": "a"])
    }
  }
}
