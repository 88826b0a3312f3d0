import Foundation
package import ResNet

/// Safetensors files, right and wrong, as bytes.
package enum SafetensorsBytes {
  /// Returns a header's length, the header, and the data.
  package static func file(header: String, data: [UInt8] = [], claimedLength: UInt64? = nil)
    -> [UInt8]
  {
    let text = Array(header.utf8)
    let length = claimedLength ?? UInt64(text.count)
    return (0..<8).map { UInt8(truncatingIfNeeded: length >> ($0 * 8)) } + text + data
  }

  /// Returns F32 tensors in the order of their names and nothing else, as other programs write
  /// them.
  package static func plain(_ tensors: [String: Tensor]) -> [UInt8] {
    file(of: tensors, members: [])
  }

  /// Returns the same with a `resnetd` document.
  package static func described(_ tensors: [String: Tensor], document: String) throws -> [UInt8] {
    let text = String(decoding: try JSONEncoder().encode(document), as: UTF8.self)
    return file(of: tensors, members: [#""__metadata__":{"resnetd":\#(text)}"#])
  }

  private static func file(of tensors: [String: Tensor], members: [String]) -> [UInt8] {
    var members = members
    var data: [UInt8] = []
    for (name, tensor) in tensors.sorted(by: { $0.key < $1.key }) {
      let start = data.count
      tensor.withValues { values in
        for index in values.indices {
          let bits = values[index].bitPattern
          data += (0..<4).map { UInt8(truncatingIfNeeded: bits >> ($0 * 8)) }
        }
      }
      members.append(
        #""\#(name)":{"dtype":"F32","shape":\#(tensor.shape),"data_offsets":[\#(start),\#(data.count)]}"#
      )
    }
    return file(header: "{\(members.joined(separator: ","))}", data: data)
  }
}
