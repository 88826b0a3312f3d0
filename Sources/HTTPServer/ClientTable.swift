package import HTTPCore
import Synchronization

/// Counts of each client's connections and requests, over all event loops of a server.
package final class ClientTable: Sendable {
  let limits: ClientLimits
  private let rows: Mutex<ClientRows>

  package init(_ limits: ClientLimits) {
    self.limits = limits
    rows = Mutex(ClientRows(limits))
  }

  /// Counts a connection of the client that begins; false where it has as many as it may.
  ///
  /// Each that got true must `leave`.
  package func enter(_ client: NetworkAddress) -> Bool {
    limits.connectionLimit == nil || rows.withLock { $0.enter(client) }
  }

  /// Counts a connection of the client that ends.
  package func leave(_ client: NetworkAddress) {
    if limits.connectionLimit != nil { rows.withLock { $0.leave(client) } }
  }

  /// Counts a request; where there were too many, the time until the next one is accepted.
  package func delay(
    of client: NetworkAddress, now: ContinuousClock.Instant
  ) -> Duration? {
    limits.requestRate == nil ? nil : rows.withLock { $0.delay(of: client, now: now) }
  }

  /// Number of clients that are remembered, for tests.
  package var count: Int { rows.withLock { $0.count } }
}

/// The rows of a `ClientTable`: every call takes the same time, however many there are.
///
/// Rows without connections form a list, the longest unseen first, from which a full table takes
/// the room for a new client. There are no more rows with connections than the server has
/// connections.
private struct ClientRows {
  private struct Row {
    var client: NetworkAddress
    var connectionCount = 0
    /// Instant at which all requests so far would be due at the steady rate.
    var due: ContinuousClock.Instant?
    /// Neighbours in the list; a row with connections is not in it.
    var older: Int?
    var newer: Int?
  }

  private let connectionLimit: Int
  private let rate: SteadyRate
  private let rowLimit: Int
  private var rows: [Row] = []
  private var places: [NetworkAddress: Int] = [:]
  private var oldest: Int?
  private var newest: Int?

  init(_ limits: ClientLimits) {
    connectionLimit = limits.connectionLimit ?? .max
    let count = max(1, limits.requestRate ?? 1)
    rate = SteadyRate(count, per: .seconds(1), burst: count)
    rowLimit = max(1, limits.tableLimit)
  }

  var count: Int { rows.count }

  mutating func enter(_ client: NetworkAddress) -> Bool {
    guard let row = row(of: client) else { return true }
    guard rows[row].connectionCount < connectionLimit else { return false }
    if rows[row].connectionCount == 0 { unlink(row) }
    rows[row].connectionCount += 1
    return true
  }

  mutating func leave(_ client: NetworkAddress) {
    guard let row = places[client], rows[row].connectionCount > 0 else { return }
    rows[row].connectionCount -= 1
    if rows[row].connectionCount == 0 { link(row) }
  }

  mutating func delay(of client: NetworkAddress, now: ContinuousClock.Instant) -> Duration? {
    guard let row = row(of: client) else { return nil }
    if rows[row].connectionCount == 0 {
      unlink(row)
      link(row)
    }
    return rate.take(of: &rows[row].due, at: now)
  }

  /// Finds the client's row, or takes a new or an old one for it; nil where all rows have
  /// connections.
  private mutating func row(of client: NetworkAddress) -> Int? {
    if let row = places[client] { return row }
    let row: Int
    if rows.count < rowLimit {
      row = rows.count
      rows.append(Row(client: client))
    } else {
      guard let oldest else { return nil }
      row = oldest
      unlink(row)
      places[rows[row].client] = nil
      rows[row] = Row(client: client)
    }
    places[client] = row
    link(row)
    return row
  }

  private mutating func link(_ row: Int) {
    rows[row].older = newest
    rows[row].newer = nil
    if let newest { rows[newest].newer = row } else { oldest = row }
    newest = row
  }

  private mutating func unlink(_ row: Int) {
    let (older, newer) = (rows[row].older, rows[row].newer)
    if let older { rows[older].newer = newer } else { oldest = newer }
    if let newer { rows[newer].older = older } else { newest = older }
    (rows[row].older, rows[row].newer) = (nil, nil)
  }
}
