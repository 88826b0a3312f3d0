import HTTPCore
import ModelStore
import RemoteModels
import Testing

@Suite struct BucketTests {
  private static let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

  private func environment(_ address: String, token: String? = nil) -> [String: String] {
    var environment = [
      "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": Self.secret,
      "AWS_REGION": "eu-central-1", "AWS_ENDPOINT_URL": address,
    ]
    environment["AWS_SESSION_TOKEN"] = token
    return environment
  }

  @Test(arguments: [nil, "a/token+of=a session".replacing(" ", with: "-")])
  func `requests to a bucket carry a signature that holds`(_ token: String?) throws {
    try withHost { host, address in
      try withStore { store, _ in
        try host.publish(model(1), as: "model-1.safetensors", in: "/bucket/some/prefix")
        let source = try RemoteSource(
          "s3://bucket/some/prefix", environment: environment(address, token: token))
        var remote = RemoteModels(source)
        let first = try remote.pointer()
        #expect(try remote.pointer() == first)
        guard case .staged = try remote.fetch(first, into: store) else {
          Issue.record("not staged")
          return
        }
        let requests = host.requests()
        #expect(requests.count == 3)
        for request in requests {
          let signature = try #require(AWSSignature(of: request))
          #expect(signature.key == "AKIDEXAMPLE")
          #expect(signature.scope.hasSuffix("/eu-central-1/s3/aws4_request"))
          #expect(signature.signedNames.contains("host"))
          #expect(signature.signedNames.contains("x-amz-content-sha256"))
          #expect(signature.signedNames.contains("x-amz-security-token") == (token != nil))
          #expect(request.fields["x-amz-security-token"] == token)
          #expect(signature.value == signature.expected(secret: Self.secret, for: request))
          #expect(signature.value != signature.expected(secret: "other", for: request))
        }
      }
    }
  }

  @Test func `without credentials requests are not signed`() throws {
    try withHost { host, address in
      try host.publish(model(1), as: "a", in: "/bucket")
      let source = try RemoteSource(
        "s3://bucket", environment: ["AWS_ENDPOINT_URL_S3": address + "/"])
      var remote = RemoteModels(source)
      #expect(try remote.pointer().file == "a")
      #expect(host.requests().map { $0.fields["Authorization"] } == [nil])
    }
  }

  @Test func `a signed request is not sent on to another address`() throws {
    try withHost { host, address in
      try host.publish(model(1), as: "a", in: "/other")
      host.answer(
        "/bucket/current.json",
        Response(status: 307, fields: HeaderFields([("Location", "/other/current.json")])))
      let source = try RemoteSource("s3://bucket", environment: environment(address))
      var remote = RemoteModels(source)
      #expect(throws: RemoteError.status(address: address + "/bucket/current.json", 307)) {
        try remote.pointer()
      }
      #expect(host.requests().count == 1)
    }
  }
}
