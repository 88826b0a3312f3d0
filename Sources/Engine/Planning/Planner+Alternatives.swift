/// Alternatives for steps for which oneDNN has only a plain loop at first.
extension Planner {
  /// Calls `make` on a node's output as it lies. If that is not implemented, tries it with channels
  /// last, and finally with these in fp32.
  mutating func arranged<Made>(
    _ id: Int, for name: String, _ make: (Value) throws(EngineError) -> Made
  ) throws(EngineError) -> (Value, Made) {
    let value = current(id)
    let reason: EngineError
    do throws(EngineError) {
      return (value, try make(value))
    } catch {
      guard case .unimplemented = error else { throw error }
      reason = error
    }
    for format in value.format == .fp32 ? [.fp32] : [value.format, .fp32] {
      let layout = try Layout(channelsLast: dimensions(lowered.shapes[id]), format.number)
      do throws(EngineError) {
        let made = try make(Value(slot: value.slot, layout: layout, format: format))
        _ = try reordered(id, to: layout, format, for: name)
        return (current(id), made)
      } catch .unimplemented {
        continue
      }
    }
    throw reason
  }

  /// Calls `plan` for numbers of a format or, if that is not implemented, for fp32.
  mutating func withFloatingPoint(
    from source: TensorFormat,
    _ plan: (inout Planner, TensorFormat) throws(EngineError) -> Value
  ) throws(EngineError) -> Value {
    do throws(EngineError) {
      return try plan(&self, source)
    } catch {
      guard case .unimplemented = error, source != .fp32 else { throw error }
      return try plan(&self, .fp32)
    }
  }
}
