import Glibc

/// Kernels of resampling, stretched when shrinking so that they antialias, as in Pillow; only
/// `nearest` picks pixels.
package enum ResizeFilter: String, Sendable, Hashable, Encodable, CaseIterable {
  case bilinear
  case bicubic
  case lanczos
  case box
  case nearest

  /// Half of the kernel's width, in source pixels at scale 1; 0 for no kernel.
  var support: Double {
    switch self {
    case .bilinear: 1
    case .bicubic: 2
    case .lanczos: 3
    case .box: 0.5
    case .nearest: 0
    }
  }

  /// Returns the kernel at a distance from its centre. Bicubic is Keys' with a = -0.5, Lanczos' has
  /// three lobes; the formulas are those of Pillow's `Resample.c`.
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
    case .lanczos:
      return distance >= -3 && distance < 3 ? Self.sinc(distance) * Self.sinc(distance / 3) : 0
    case .box:
      return distance > -0.5 && distance <= 0.5 ? 1 : 0
    case .nearest:
      return 1
    }
  }

  private static func sinc(_ x: Double) -> Double {
    x == 0 ? 1 : sin(x * .pi) / (x * .pi)
  }
}
