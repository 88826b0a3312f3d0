import COneDNN
import Glibc

/// Variables of the environment that the engine reads, wherever it runs.
package enum EngineVariable {
  /// The most that oneDNN and our own kernels may use, by the name of an `InstructionLevel`.
  package static let maxInstructions = "RESNETD_MAX_CPU_ISA"

  package static let names = [maxInstructions]
}

/// Sets of instructions that a CPU may have, each with those before it; only AVX-512 does not contain `avx2_vnni`.
package enum InstructionLevel: String, Sendable, CaseIterable {
  /// Less than oneDNN has anything but plain loops for.
  case baseline = "x86_64"
  case sse41
  case avx2
  /// Products of bytes.
  case avx2VNNI = "avx2_vnni"
  /// F, BW, DQ and VL.
  case avx512
  /// Products of bytes.
  case avx512VNNI = "avx512_vnni"
  /// Products of bfloat16.
  case avx512BF16 = "avx512_bf16"
  case avx512AMX = "avx512_amx"

  /// Those that the variable may name.
  package static let caps = Array(allCases.dropFirst())

  /// What this process computes with, for all its life: what the CPU has and no variable forbids.
  ///
  /// The first to ask has the cap take effect, before oneDNN is used; a cap that `fault` complains about is none.
  package static let used: InstructionLevel = {
    if let cap { onednn_instructions_cap(cap.number) }
    let used = onednn_instructions_used()
    return allCases.first { $0.number == used } ?? .baseline
  }()

  /// Why the variable cannot be obeyed; nil where it can or is not set.
  package static let fault: String? = {
    do throws(EngineError) {
      _ = try cap(named: variable)
      return nil
    } catch {
      return error.description
    }
  }()

  /// What the variable says; nil where it says nothing that holds.
  package static let cap: InstructionLevel? = {
    do throws(EngineError) { return try cap(named: variable) } catch { return nil }
  }()

  /// The level that a value of the variable names; nil where it is empty or not there.
  package static func cap(named text: String?) throws(EngineError) -> InstructionLevel? {
    guard let text, !text.isEmpty else { return nil }
    // oneDNN writes its own names in capitals.
    guard let level = caps.first(where: { $0.rawValue == text.lowercased() }) else {
      throw .unsupported(
        "\(EngineVariable.maxInstructions) is \"\(text)\"; it may be "
          + caps.map(\.rawValue).joined(separator: ", "))
    }
    return level
  }

  /// `avx2`, or `avx2 (at most avx2_vnni by RESNETD_MAX_CPU_ISA)`.
  package static var description: String {
    guard let cap else { return used.rawValue }
    return "\(used.rawValue) (at most \(cap.rawValue) by \(EngineVariable.maxInstructions))"
  }

  private static let variable: String? = {
    // SAFETY: the text is copied; nothing here changes the environment.
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

  var hasIntegerProducts: Bool { self == .avx2VNNI || self >= .avx512VNNI }
  var hasBFloat16Products: Bool { self >= .avx512BF16 }
}

extension InstructionLevel: Comparable {
  package static func < (a: InstructionLevel, b: InstructionLevel) -> Bool {
    a.number.rawValue < b.number.rawValue
  }
}
