import Engine
import ResNet
import Testing

@Suite struct InstructionLevelTests {
  @Test("A cap is one of the names, in capitals or not, or none if the variable is empty")
  func names() throws {
    for level in InstructionLevel.caps {
      #expect(try InstructionLevel.cap(named: level.rawValue) == level)
      #expect(try InstructionLevel.cap(named: level.rawValue.uppercased()) == level)
    }
    #expect(try InstructionLevel.cap(named: nil) == nil)
    #expect(try InstructionLevel.cap(named: "") == nil)
    for name in ["AVX3", "avx", "x86_64", "avx512_core", " sse41"] {
      #expect {
        try InstructionLevel.cap(named: name)
      } throws: { error in
        let message = (error as? EngineError)?.description ?? ""
        return message.contains("RESNETD_MAX_CPU_ISA is \"\(name)\"")
          && InstructionLevel.caps.allSatisfy { message.contains($0.rawValue) }
      }
    }
  }

  @Test("Levels are ordered, and the cap of this process holds for oneDNN and our own kernels")
  func cap() throws {
    #expect(InstructionLevel.allCases == InstructionLevel.allCases.sorted())
    if let cap = InstructionLevel.cap {
      #expect(InstructionLevel.used <= cap)
      #expect(InstructionLevel.description.contains("RESNETD_MAX_CPU_ISA"))
    }
    let best = KernelInstructions.best
    #expect(best != .avx512 || InstructionLevel.used >= .avx512)
    #expect(best == .portable || InstructionLevel.used >= .avx2)
    #expect(KernelInstructions.available.last == best)
    // Instructions that the steps of a network report.
    let graph = try Graph(#require(Architecture.cifar(depth: 8)))
    let steps = try CompiledNetwork(graph, .random(for: graph)).steps(batch: 1)
    let beyond = [InstructionLevel.avx512: "avx512", .avx2: "avx2"].filter {
      InstructionLevel.used < $0.key
    }
    for step in steps {
      #expect(beyond.values.allSatisfy { !step.implementation.contains($0) })
    }
  }

  @Test("Auto takes no precision that the CPU has no instructions for")
  func auto() {
    let calibration = Calibration(method: "test", ranges: [:])
    for known in [nil, calibration] {
      let precision = PrecisionPolicy.auto.precision(for: known)
      #expect(precision.isNative && precision.isSupported)
      #expect(precision != .int8 || known != nil)
    }
    for precision in Precision.allCases { #expect(precision.isSupported || !precision.isNative) }
    #expect(Precision.fp32.isSupported)
    if InstructionLevel.used < .avx512BF16 { #expect(!Precision.bf16.isNative) }
    if InstructionLevel.used < .avx512 { #expect(!Precision.bf16.isSupported) }
    #expect(Precision.int8.isSupported == (InstructionLevel.used >= .avx2))
  }

  @Test(
    "A precision that would be wrong here is refused with a way out", arguments: Precision.allCases)
  func refusal(precision: Precision) throws {
    #expect(try runs(in: precision) == precision.isSupported)
  }
}
