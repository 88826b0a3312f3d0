package import HTTPCore

/// The other end of a connection.
package struct Peer: Sendable {
  /// Address and port, or user of a Unix socket, as the connection shows them.
  package let text: String
  /// Address alone; nil at a Unix socket.
  package let address: NetworkAddress?
  /// Client that the connection counts for, where clients have limits and no trusted proxy speaks
  /// for them.
  package var client: NetworkAddress?

  package init(text: String, address: NetworkAddress? = nil) {
    self.text = text
    self.address = address
  }
}

/// The standing of a connection among the others.
package enum Place: Sendable {
  case ordinary
  /// All ordinary places are taken by connections that are not idle.
  case reserve
  /// The client has as many connections as it may.
  case overClientLimit

  var isOrdinary: Bool { if case .ordinary = self { true } else { false } }
}
