/// Reason why a list or a table cannot be read, without its name; its words may quote any bytes.
package struct TableError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Line from 1, if it is about one.
  package let line: Int?
  package let reason: String

  package init(line: Int? = nil, _ reason: String) { (self.line, self.reason) = (line, reason) }

  package var description: String { (line.map { "line \($0): " } ?? "") + reason }
}
