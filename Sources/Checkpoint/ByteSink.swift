/// Takes a file's bytes in order.
protocol ByteSink: ~Copyable {
  mutating func write(_ bytes: RawSpan) throws(CheckpointError)
}
