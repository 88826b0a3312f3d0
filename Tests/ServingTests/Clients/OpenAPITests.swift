import Foundation
import HTTPCore
import Serving
import Testing

@Suite struct OpenAPITests {
  private func document() async throws -> [String: Any] {
    let response = await (try TestService()).answer(try Request("GET", "/openapi.json"))
    #expect(response.fields["Content-Type"] == "application/json")
    return try response.json()
  }

  @Test("Every path is described with the methods that it takes")
  func paths() async throws {
    let document = try await document()
    #expect(document["openapi"] as? String == "3.1.0")
    let paths = try #require(document["paths"] as? [String: [String: Any]])
    #expect(paths.count > 15)
    let service = try TestService()
    for (path, operations) in paths {
      let target = path.replacing("{model}", with: "m").replacing("{version}", with: "1")
      let options = await service.answer(try Request("OPTIONS", target))
      let allow = try #require(options.fields["Allow"], "\(path)")
      let methods = allow.components(separatedBy: ", ").filter {
        !["HEAD", "OPTIONS"].contains($0)
      }
      #expect(operations.keys.map { $0.uppercased() }.sorted() == methods.sorted())
    }
    for route in ["/", "/classify", "/model", "/ping", "/metrics", "/healthz", "/v2"] {
      #expect(paths[route] != nil, "\(route)")
    }
  }

  @Test("Parameters are those that are taken, and references lead somewhere")
  func parameters() async throws {
    let document = try await document()
    let paths = try #require(document["paths"] as? [String: [String: [String: Any]]])
    let operation = try #require(paths["/classify"]?["post"])
    let parameters = try #require(operation["parameters"] as? [[String: Any]])
    #expect(parameters.count == ImageRequestNames.classification.query.count + 3)
    let query = parameters.filter { $0["in"] as? String == "query" }
    let names = query.compactMap { $0["name"] as? String }
    #expect(names == ImageRequestNames.classification.query)

    let components = try #require(document["components"] as? [String: [String: Any]])
    let text = String(decoding: try JSONSerialization.data(withJSONObject: document), as: UTF8.self)
      .replacing("\\/", with: "/")
    for match in text.matches(of: /#\/components\/(\w+)\/([\w-]+)/) {
      #expect(components[String(match.1)]?[String(match.2)] != nil, "\(match.0)")
    }
    for (kind, parts) in components {
      for name in parts.keys { #expect(text.contains("\(kind)/\(name)\""), "\(name)") }
    }
    let identifiers = paths.values.flatMap(\.values).compactMap { $0["operationId"] as? String }
    #expect(Set(identifiers).count == identifiers.count)
  }
}
