import COneDNN
import Glibc

/// Environment variables that the engine reads, wherever it runs.
package enum EngineVariable {
  /// Highest `InstructionLevel`, by name, that oneDNN and our own kernels may use.
  package static let maxInstructions = "RESNETD_MAX_CPU_ISA"

  package static let names = [maxInstructions]
}

/// Instruction sets that a CPU may have, each including those before it; only AVX-512 does not
/// include `avx2_vnni`.
package enum InstructionLevel: String, Sendable, CaseIterable {
  /// So little that oneDNN has only plain loops for it.
  #if arch(x86_64)
    case baseline = "x86_64"
  #else
    case baseline = "aarch64"
  #endif
  case sse41
  case avx2
  /// With products of bytes.
  case avx2VNNI = "avx2_vnni"
  /// AVX-512 F, BW, DQ and VL.
  case avx512
  /// With products of bytes.
  case avx512VNNI = "avx512_vnni"
  /// With products of bfloat16.
  case avx512BF16 = "avx512_bf16"
  case avx512AMX = "avx512_amx"

  /// Levels that the variable may name.
  package static let caps = Array(allCases.dropFirst())

  /// Level that this process computes with for its whole life: the highest that the CPU has and no
  /// variable forbids.
  ///
  /// The first call makes the cap take effect, and `OneDNN.check` makes it before any other; a cap
  /// that `fault` complains about is ignored.
  package static let used: InstructionLevel = {
    if let cap { onednn_instructions_cap(cap.number) }
    let used = onednn_instructions_used()
    return allCases.first { $0.number == used } ?? .baseline
  }()

  /// Reason why the variable cannot be obeyed; nil if it can be or is not set.
  package static let fault: String? = {
    do throws(EngineError) {
      _ = try cap(named: variable)
      return nil
    } catch {
      return error.description
    }
  }()

  /// Level that the variable names; nil if it is not set or invalid.
  package static let cap: InstructionLevel? = {
    do throws(EngineError) { return try cap(named: variable) } catch { return nil }
  }()

  /// Returns the level that a value of the variable names; nil if it is empty or missing.
  package static func cap(named name: String?) throws(EngineError) -> InstructionLevel? {
    guard let name, !name.isEmpty else { return nil }
    // oneDNN writes its own names in capitals.
    guard let level = caps.first(where: { $0.rawValue == name.lowercased() }) else {
      throw .unsupported(
        "\(EngineVariable.maxInstructions) is \"\(name)\"; it may be "
          + caps.map(\.rawValue).joined(separator: ", "))
    }
    return level
  }

  /// Description for people: `avx2`, or `avx2 (at most avx2_vnni by RESNETD_MAX_CPU_ISA)`.
  package static var description: String {
    guard let cap else { return used.rawValue }
    return "\(used.rawValue) (at most \(cap.rawValue) by \(EngineVariable.maxInstructions))"
  }

  private static let variable: String? = {
    // SAFETY: the string is copied; nothing here changes the environment.
    unsafe getenv(EngineVariable.maxInstructions).map { unsafe String(cString: $0) }
  }()

  private var number: onednn_instructions {
    switch self {
    case .baseline: ONEDNN_X86_64
    case .sse41: ONEDNN_SSE41
    case .avx2: ONEDNN_AVX2
    case .avx2VNNI: ONEDNN_AVX2_VNNI
    case .avx512: ONEDNN_AVX512
    case .avx512VNNI: ONEDNN_AVX512_VNNI
    case .avx512BF16: ONEDNN_AVX512_BF16
    case .avx512AMX: ONEDNN_AVX512_AMX
    }
  }

  /// Whether products of bytes are summed in 32 bits (VNNI).
  package var multipliesBytes: Bool { self == .avx2VNNI || self >= .avx512VNNI }
  var hasBFloat16Products: Bool { self >= .avx512BF16 }
}

extension InstructionLevel: Comparable {
  package static func < (a: InstructionLevel, b: InstructionLevel) -> Bool {
    a.number.rawValue < b.number.rawValue
  }
}
