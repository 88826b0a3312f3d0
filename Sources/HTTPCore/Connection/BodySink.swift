/// Receiver of a request's body as it arrives, so that nobody holds the whole of it.
///
/// Called on the connection's queue, part after part in their order. Until it returns nothing more
/// is read, so a sink that writes to a disk holds the client back instead of filling memory. It is
/// released unfinished where the connection ends before the body.
package protocol BodySink: AnyObject, Sendable {
  func receive(_ part: [UInt8])
}

/// A sink as a value, equal to itself alone.
package struct BodyDestination: Sendable, Hashable {
  package let sink: any BodySink

  package init(_ sink: any BodySink) { self.sink = sink }

  package static func == (a: BodyDestination, b: BodyDestination) -> Bool { a.sink === b.sink }

  package func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(sink)) }
}
