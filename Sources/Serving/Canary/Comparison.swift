/// A picture that a canary was asked about, for the live model to be asked as well.
struct Comparison: Sendable {
  let canary: Canary
  let image: ArraySlice<UInt8>
  /// The canary's most likely class; nil where its contract refuses the picture.
  let found: Int?
}
