/// The value of a node's attribute.
package enum ONNXAttribute: Sendable, Equatable {
  case integer(Int64)
  case number(Float)
  case text(String)
  case tensor(ONNXTensor)
  case integers([Int64])
  case numbers([Float])
  case texts([String])
}
