import RemoteModels
import Testing

@Suite struct SourceTests {
  @Test(arguments: [
    ("/srv/models", "/srv/models"), ("models", "models"),
    ("http://host:8000/models//", "http://host:8000/models"), ("https://host", "https://host"),
    ("s3://bucket", "s3://bucket"), ("s3://bucket/a/b.c/", "s3://bucket/a/b.c"),
  ])
  func `a folder, an address and a bucket are told apart`(_ text: String, _ shown: String) throws {
    #expect("\(try RemoteSource(text, environment: [:]))" == shown)
  }

  @Test(arguments: [
    "", "ftp://host/a", "file:///etc", "http://", "http:///a", "http://user:password@host/a",
    "http://host/a?b", "http://host/a#b", "http://host/a b", "http://host/ä", "s3://", "s3://a",
    "s3://Bucket", "s3://bucket/a//b", "s3://bucket/../b", "s3://bucket/a b", "s3://bu_cket/a",
    "http://host/" + String(repeating: "a", count: 2048),
  ])
  func `what names no store is refused`(_ text: String) throws {
    let error = #expect(throws: RemoteError.self) { try RemoteSource(text, environment: [:]) }
    #expect(error.map { "\($0)".contains("password") } == false)
  }

  @Test(arguments: [
    ("s3:/bucket", "s3://bucket/prefix"), ("S3:bucket", "s3://bucket/prefix"),
    ("http:/host", "http://host/folder"), ("https:host/a", "https://host/folder"),
    ("gs:/bucket", "neither http://, https:// nor s3://"),
  ])
  func `an address without its slashes is no folder`(_ text: String, _ meant: String) throws {
    let error = #expect(throws: RemoteError.self) { try RemoteSource(text, environment: [:]) }
    #expect(error.map { "\($0)".contains(meant) && "\($0)".contains("begins with ./") } == true)
    #expect("\(try RemoteSource("./\(text)", environment: [:]))" == "./\(text)")
  }

  @Test(arguments: [
    "http:/user:hidden@host/a", "http:user:hidden@host", "http://user:hidden@host/a",
    "HTTPS://user:hidden@host/a",
    "ftp://user:hidden@host/a", "http://user:pa?hidden@host/a", "https:///user:hidden@host",
    "s3://key:hidden@bucket/a",
    "https://host/a?X-Amz-Signature=hidden", "https://host/a#hidden", "s3://bucket/a?token=hidden",
  ])
  func `what is refused is told without passwords and queries`(_ text: String) {
    let refused = [
      #expect(throws: RemoteError.self) { try RemoteSource(text, environment: [:]) },
      #expect(throws: RemoteError.self) {
        try RemoteSource("s3://bucket", environment: ["AWS_ENDPOINT_URL": text])
      },
      #expect(throws: RemoteError.self) { try Download(text) },
    ]
    for error in refused { #expect(error.map { "\($0)".contains("hidden") } == false) }
  }

  @Test func `half a pair of credentials is refused, and so is what cannot be sent`() throws {
    for environment in [
      ["AWS_ACCESS_KEY_ID": "a"], ["AWS_SECRET_ACCESS_KEY": "b"],
      ["AWS_ACCESS_KEY_ID": "a\r\nX: y", "AWS_SECRET_ACCESS_KEY": "b"],
      ["AWS_REGION": "a:b"], ["AWS_ENDPOINT_URL": "ftp://host"],
    ] {
      #expect(throws: RemoteError.self) {
        try RemoteSource("s3://bucket", environment: environment)
      }
    }
  }

  @Test func `credentials are not shown`() throws {
    let source = try RemoteSource(
      "s3://bucket",
      environment: [
        "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "hidden",
        "AWS_SESSION_TOKEN": "hidden",
      ])
    #expect(!"\(source)".contains("hidden") && !String(reflecting: source).contains("hidden"))
  }
}
