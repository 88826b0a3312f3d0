/// Kernels of resampling, stretched when shrinking so that they antialias, as in Pillow.
package enum ResizeFilter: String, Sendable, Hashable, Encodable, CaseIterable {
  case bilinear
  case bicubic

  /// Half of the kernel's width, in source pixels at scale 1.
  var support: Double {
    switch self {
    case .bilinear: 1
    case .bicubic: 2
    }
  }

  /// Returns the kernel at a distance from its centre. Bicubic is Keys' with a = -0.5.
  func weight(at distance: Double) -> Double {
    let x = abs(distance)
    switch self {
    case .bilinear:
      return x < 1 ? 1 - x : 0
    case .bicubic:
      let a = -0.5
      if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
      if x < 2 { return (((x - 5) * x + 8) * x - 4) * a }
      return 0
    }
  }
}
