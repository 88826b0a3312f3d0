import Checkpoint
import Compression
import Engine
import Imaging
import RemoteModels

/// Versions that run: the program's, stated nowhere else, and those of the libraries it has loaded.
package enum Version {
  package static let number = "0.1.0"

  package static var text: String {
    let libraries =
      [("oneDNN", OneDNN.version)] + CodecVersions.all.map { ($0.name, $0.version) }
      + ModelFileVersions.all.map { ($0.name, $0.version) }
      + CompressionVersions.all.map { ($0.name, $0.version) }
      + [
        ("libcurl", RemoteModels.libraryVersion), ("expat", XMLDocument.libraryVersion),
        ("PCRE2", RegularExpression.libraryVersion),
      ]
    return (["resnetd \(number)"] + libraries.map { "\($0.0) \($0.1)" }).joined(separator: "\n")
  }
}
