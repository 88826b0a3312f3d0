import Checkpoint
import HTTPCore
import RemoteModels
import Testing

/// Objects of a bucket that are listed, read and written.
@Suite struct ObjectTests {
  /// Keys with what addresses, forms, XML and percent-encoding treat in a way of their own.
  private static let keys = [
    "a b.jpg", "a+b.jpg", "a%20b.jpg", "a%.jpg", "ä/ö.jpg", "日本.jpg", "x&y=z?.jpg", "<q>\".jpg",
    "a//b.jpg", "~(1)*'.jpg", "zz/\u{1}\u{1f}.jpg",
  ]

  private static func sorted(_ keys: [String]) -> [String] {
    keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  private static func list(_ bucket: BucketConnection) throws -> [ListedObject] {
    var objects: [ListedObject] = []
    var token: String?
    repeat {
      let page = try bucket.page(after: token)
      objects += page.objects
      token = page.next
    } while token != nil
    return objects
  }

  @Test("All pages are listed, with keys as they are", arguments: [1, 2, 3, 1000])
  func pages(count: Int) throws {
    try withBucket("photos 2024+/") { host, bucket in
      let keys = Self.keys.map { "photos 2024+/" + $0 }
      host.put(keys + ["photos 2024+.jpg", "other/x.jpg"])
      host.page(by: count)
      let objects = try Self.list(bucket)
      #expect(objects.map(\.key) == Self.sorted(keys))
      #expect(objects.map(\.byteCount) == Self.sorted(keys).map(\.utf8.count))
      #expect(host.requests().count == (keys.count + count - 1) / count)
      #expect(try bucket.page(start: "zz").objects.map(\.key) == ["photos 2024+/" + Self.keys[10]])
    }
  }

  @Test("Every request is signed as it is sent")
  func signatures() throws {
    try withBucket { host, bucket in
      host.put(Self.keys)
      host.page(by: 4)
      for object in try Self.list(bucket) {
        let content = try bucket.read(object.key, byteLimit: 100)
        #expect(content.isWhole && content.bytes == Array(object.key.utf8))
        try bucket.create(object.key + ".new", [1, 2, 3], contentType: "text/csv")
      }
      for request in host.requests() {
        let signature = try #require(AWSSignature(of: request.head))
        #expect(
          signature.value == signature.expected(secret: BucketHost.secret, for: request.head),
          "\(request.head.target.raw)")
        #expect(
          request.head.fields["x-amz-content-sha256"] == (try version(of: request.body).hex))
      }
    }
  }

  @Test("No more bytes of an object are taken than were asked for")
  func limits() throws {
    try withBucket { host, bucket in
      host.put(["abcdef"])
      for (limit, isWhole) in [(5, false), (6, true), (7, true), (0, false)] {
        let content = try bucket.read("abcdef", byteLimit: limit)
        #expect(content.isWhole == isWhole && content.bytes == Array("abcdef".utf8.prefix(limit)))
      }
    }
  }

  @Test("An object is written once, and the same again is no error")
  func creation() throws {
    try withBucket("out") { host, bucket in
      let bytes = Array("file,error\n".utf8)
      try bucket.create("out/part.csv", bytes, contentType: "text/csv")
      let request = try #require(host.requests().last)
      #expect(request.head.method == "PUT" && request.body == bytes)
      #expect(request.head.fields["Content-Type"] == "text/csv")
      #expect(
        request.head.fields["x-amz-checksum-sha256"]
          == "y5V12GpiSYp3ml+K8L+/eKDZcTimcmkDuP3UbvZYp2I=")
      try bucket.create("out/part.csv", bytes, contentType: "text/csv")
      #expect(host.requests().map(\.head.method) == ["PUT", "GET"])
      #expect(throws: ObjectError.exists("s3://bucket/out/part.csv")) {
        try bucket.create("out/part.csv", bytes + [1], contentType: "text/csv")
      }
      // One byte more, and one less.
      #expect(throws: ObjectError.exists("s3://bucket/out/part.csv")) {
        try bucket.create("out/part.csv", bytes.dropLast(), contentType: "text/csv")
      }
      #expect(try bucket.read("out/part.csv", byteLimit: 100).bytes == bytes)
    }
  }

  @Test("A server without conditional writes is given the object all the same")
  func unconditional() throws {
    try withBucket { host, bucket in
      host.answer(refusal(501, "NotImplemented", "A header you provided implies …"))
      try bucket.create("part", [7], contentType: "text/csv")
      let requests = host.requests()
      #expect(requests.map { $0.head.fields["If-None-Match"] } == ["*", nil])
      #expect(try bucket.read("part", byteLimit: 9).bytes == [7])
    }
  }

  @Test("What fails for the moment is tried again, as often as the limit allows")
  func retries() throws {
    try withBucket { host, bucket in
      host.put(["a"])
      host.answer(
        refusal(503, "SlowDown", "Please reduce your request rate."),
        refusal(400, "RequestTimeout", "Your socket connection … was not read from"))
      let content = try bucket.read("a", byteLimit: 9)
      #expect(content.bytes == Array("a".utf8))
      #expect(host.requests().count == 3)
      host.answer(Response(status: 500), Response(status: 502), Response(status: 503))
      #expect {
        try bucket.page()
      } throws: {
        "\($0)".hasPrefix("cannot list s3://bucket/: status 503")
      }
      #expect(host.requests().count == 3)
      host.answer(refusal(403, "AccessDenied", "Access Denied"))
      #expect {
        try bucket.read("a", byteLimit: 9)
      } throws: {
        "\($0)".contains("AccessDenied")
      }
      #expect(host.requests().count == 1)
    }
  }

  @Test("A call that nobody wants any more ends")
  func cancellation() throws {
    let isWanted: @Sendable () -> Bool = { false }
    try withBucket(while: isWanted) { host, bucket in
      host.answer(Response(status: 503))
      #expect(throws: ObjectError.cancelled) { try bucket.page() }
    }
  }

  @Test("A server that is not there is told of")
  func unanswered() throws {
    let folder = try ObjectFolder(
      "s3://bucket", environment: ["AWS_ENDPOINT_URL": "http://127.0.0.1:1"])
    var limits = RemoteLimits()
    limits.retryLimit = 0
    #expect {
      try BucketConnection(folder, limits: limits).page()
    } throws: {
      "\($0)".hasPrefix("cannot list s3://bucket/: ")
    }
  }
}
