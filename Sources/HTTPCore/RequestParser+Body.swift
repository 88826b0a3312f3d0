extension RequestParser {
  /// Bytes of the first buffer of a body whose end is not near, 16 KiB.
  static let firstBodyCapacity = 16 * 1024

  mutating func takeBody(_ remaining: Int) -> Bool {
    guard let left = take(remaining) else { return false }
    state = left == 0 ? .finished : .body(remaining: left)
    return left == 0
  }

  mutating func takeChunk(_ remaining: Int) -> Bool {
    guard let left = take(remaining) else { return false }
    state = left == 0 ? .chunkEnd : .chunkData(remaining: left)
    return left == 0
  }

  /// Continues the body in another buffer, which has room for more.
  mutating func moveBody(to buffer: consuming [UInt8]) {
    buffer.append(contentsOf: body)
    body = buffer
    grantedCapacity = body.capacity
    bodyCapacityLimit = max(bodyCapacityLimit, grantedCapacity)
  }

  /// Takes bytes that continue a body straight into it, where none wait before them and there is
  /// room; how many.
  mutating func takeDirectly(_ bytes: some Collection<UInt8>) -> Int {
    guard case .body(let remaining) = state, buffer.isEmpty else { return 0 }
    // The last byte is left for `next`, which says that the body has ended.
    let count = min(bytes.count, remaining - 1, grantedCapacity - body.count)
    guard count > 0 else { return 0 }
    body.append(contentsOf: bytes.prefix(count))
    bodyByteCount += count
    state = .body(remaining: remaining - count)
    return count
  }

  /// Moves up to `count` bytes into the body; how many are still to come, or nil where it needs
  /// more room.
  private mutating func take(_ count: Int) -> Int? {
    let available = min(count, bufferedByteCount)
    guard makeRoom(for: body.count + available) else { return nil }
    body.append(contentsOf: buffer[consumed..<consumed + available])
    bodyByteCount += available
    consumed += available
    searched = consumed
    if consumed == buffer.count { dropConsumed() }
    return count - available
  }

  /// Lets the body's buffer grow in steps.
  ///
  /// So a declared length takes little memory before the bytes are sent, and all copies together
  /// are a third of the bytes that have come.
  private mutating func makeRoom(for byteCount: Int) -> Bool {
    guard byteCount > grantedCapacity else { return true }
    let end = declaredByteCount > 0 ? declaredByteCount : bodyByteLimit
    let step = max(4 * grantedCapacity, Self.firstBodyCapacity)
    let wanted = max(byteCount, min(step, end))
    // Less than a step may have been granted.
    let capacity = min(wanted, max(byteCount, bodyCapacityLimit))
    guard capacity <= bodyCapacityLimit else {
      wantedBodyCapacity = WantedCapacity(byteCount: wanted, least: byteCount)
      return false
    }
    grantedCapacity = capacity
    body.reserveCapacity(capacity)
    return true
  }

  // MARK: Chunks

  /// Reads the line after a chunk's bytes, which is empty.
  mutating func parseChunkEnd() throws(ParseFailure) -> Bool {
    if bufferedByteCount >= 2, buffer[consumed] == ASCII.carriageReturn,
      buffer[consumed + 1] == ASCII.lineFeed
    {
      consumed += 2
      searched = consumed
    } else {
      guard let line = try line(limit: 0, status: 400) else { return false }
      guard line.isEmpty else { throw .malformed("chunk longer than its size") }
    }
    state = .chunkSize
    return true
  }

  /// Reads chunk-size and extensions (RFC 9112, section 7.1).
  mutating func parseChunkSize() throws(ParseFailure) -> Bool {
    guard lineAllowance > 0 else {
      isHeldBack = bufferedByteCount > 0
      return false
    }
    var size = plainChunkSize()
    if size == nil { size = try extendedChunkSize() }
    guard let size else { return false }
    lineAllowance -= 1
    guard size <= bodyByteLimit - bodyByteCount else {
      throw .tooLarge(413, "body", limit: bodyByteLimit)
    }
    state = size == 0 ? .trailer : .chunkData(remaining: size)
    return true
  }

  /// Reads the size on a whole line without extensions, by far the most common one; nil leaves
  /// every other line to `extendedChunkSize`.
  private mutating func plainChunkSize() -> Int? {
    var size = 0
    var index = consumed
    let end = min(buffer.count - 1, consumed + min(Self.chunkDigitLimit, limits.chunkLineByteLimit))
    while index < end, let digit = ASCII.hexValue(buffer[index]) {
      size = size << 4 | Int(digit)
      index += 1
    }
    guard index > consumed, index + 1 < buffer.count, buffer[index] == ASCII.carriageReturn,
      buffer[index + 1] == ASCII.lineFeed
    else { return nil }
    consumed = index + 2
    searched = consumed
    return size
  }

  /// Hexadecimal digits that an integer holds for certain.
  private static let chunkDigitLimit = 15

  private mutating func extendedChunkSize() throws(ParseFailure) -> Int? {
    guard let line = try line(limit: limits.chunkLineByteLimit, status: 400) else { return nil }
    let digits = line.prefix { ASCII.hexValue($0) != nil }
    guard 1...Self.chunkDigitLimit ~= digits.count else {
      throw .malformed("chunk size is not a hexadecimal number of 1 to 15 digits")
    }
    guard Self.areExtensions(line[digits.endIndex...]) else {
      throw .malformed("chunk size is followed by neither an extension nor a line end")
    }
    return digits.reduce(0) { $0 << 4 | Int(ASCII.hexValue($1) ?? 0) }
  }

  /// Whether this is chunk-ext: names with optional values, blanks allowed around `;` and `=` (RFC
  /// 9112, section 7.1.1).
  private static func areExtensions(_ text: ArraySlice<UInt8>) -> Bool {
    var rest = text
    while !rest.isEmpty {
      rest = rest.drop(while: ASCII.isBlank)
      guard rest.popFirst() == UInt8(ascii: ";") else { return false }
      rest = rest.drop(while: ASCII.isBlank)
      let name = rest.prefix(while: ASCII.isToken)
      guard !name.isEmpty else { return false }
      rest = rest[name.endIndex...]
      let value = rest.drop(while: ASCII.isBlank)
      guard value.first == UInt8(ascii: "=") else { continue }
      rest = value.dropFirst().drop(while: ASCII.isBlank)
      let token = rest.prefix(while: ASCII.isToken)
      if !token.isEmpty {
        rest = rest[token.endIndex...]
      } else if !dropQuoted(&rest) {
        return false
      }
    }
    return true
  }

  /// Drops a quoted-string (RFC 9110, section 5.6.4).
  private static func dropQuoted(_ rest: inout ArraySlice<UInt8>) -> Bool {
    guard rest.popFirst() == UInt8(ascii: "\"") else { return false }
    while let byte = rest.popFirst() {
      switch byte {
      case UInt8(ascii: "\""): return true
      case UInt8(ascii: "\\"):
        guard let escaped = rest.popFirst(), ASCII.isFieldContent(escaped) else { return false }
      default: guard ASCII.isFieldContent(byte) else { return false }
      }
    }
    return false
  }
}
