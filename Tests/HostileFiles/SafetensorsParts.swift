/// A safetensors file in parts that can be made wrong one by one.
package struct SafetensorsParts {
  package struct Part {
    package var name: String
    package var type = "F32"
    package var shape: [Int]
    package var data: [UInt8]
    /// What the header says of where the data are; where they are where nil.
    package var offsets: (Int, Int)?

    package init(name: String, type: String = "F32", shape: [Int], data: [UInt8]) {
      (self.name, self.type, self.shape, self.data) = (name, type, shape, data)
    }
  }

  /// The metadata's member `resnetd`.
  package var document: String?
  /// Further members of the header, as they stand there.
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

  /// As a JSON string.
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
