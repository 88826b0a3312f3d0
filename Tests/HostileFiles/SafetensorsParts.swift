/// A safetensors file in parts that can be made wrong one by one.
package struct SafetensorsParts {
  package struct Part {
    package var name: String
    package var type = "F32"
    package var shape: [Int]
    package var data: [UInt8]
    /// Offsets of the data in the header; if nil, the true ones.
    package var offsets: (Int, Int)?

    package init(name: String, type: String = "F32", shape: [Int], data: [UInt8]) {
      (self.name, self.type, self.shape, self.data) = (name, type, shape, data)
    }
  }

  /// Member `resnetd` of the metadata.
  package var document: String?
  /// Further members of the header, in JSON.
  package var members: [String] = []
  package var tensors: [Part]

  package init(document: String? = nil, tensors: [Part]) {
    (self.document, self.tensors) = (document, tensors)
  }

  package var header: String {
    var members: [String] = []
    if let document {
      members.append(#""__metadata__":{"resnetd":\#(Self.quoted(document))}"#)
    }
    var place = 0
    for part in tensors {
      let (start, end) = part.offsets ?? (place, place + part.data.count)
      members.append(
        #"\#(Self.quoted(part.name)):{"dtype":"\#(part.type)","shape":\#(part.shape),"data_offsets":[\#(start),\#(end)]}"#
      )
      place += part.data.count
    }
    return "{\((members + self.members).joined(separator: ","))}"
  }

  package var bytes: [UInt8] {
    SafetensorsBytes.file(header: header, data: tensors.flatMap(\.data))
  }

  /// Returns a JSON string.
  static func quoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": quoted += "\\\""
      case "\\": quoted += "\\\\"
      case "\n": quoted += "\\n"
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }
}
