import Decoding
import Machine

/// Settings of the place where images are decoded.
struct DecoderSettings: Sendable {
  /// Choice of a sandbox; `auto` takes every means that the kernel has.
  enum Sandbox: String, CaseIterable, Sendable { case auto, off }

  var sandbox = Spawner.isPossible ? Sandbox.auto : .off
  var limits = SandboxLimits()

  /// Returns decoders in processes of their own, or in this one if those are unwanted or
  /// impossible.
  ///
  /// - Parameters:
  ///   - observe: Told what happens to decoders.
  ///   - say: Told in words which parts of the sandbox are missing.
  func source(
    _ spawner: Spawner?, budget: MemoryBudget? = nil,
    observe: @escaping @Sendable (DecoderEvent) -> Void = { _ in },
    say: (_ message: String) -> Void = { _ in }
  ) -> any DecoderSource {
    guard sandbox == .auto else { return LocalDecoders(budget: budget) }
    guard let spawner else {
      say("images are decoded in this process: another one cannot be forked here")
      return LocalDecoders(budget: budget)
    }
    var limits = limits
    if let budget { limits.fit(budget.byteCount) }
    let source = SandboxedDecoders(spawner, budget: budget, limits: limits, observe: observe)
    guard let parts = source.probe() else {
      say("images are decoded in this process: a decoder cannot be started here")
      return LocalDecoders(budget: budget)
    }
    let missing = SandboxParts.all.subtracting(parts)
    if !missing.isEmpty {
      say("this kernel cannot confine decoders with \(missing.names.joined(separator: ", "))")
    }
    return source
  }
}

/// Settings of a command that decodes images.
protocol DecodingSettings: CommandSettings {
  var decoders: DecoderSettings { get set }
}

extension Option where Settings: DecodingSettings {
  static var decoding: [Option] {
    [
      .choice(
        "sandbox", \.decoders.sandbox,
        "auto decodes images in processes that can do nothing else, off in this one"),
      .duration(
        "decode-timeout", \.decoders.limits.imageTimeout,
        in: Duration.milliseconds(1)...Duration.seconds(3600),
        "processor time that decoding one image may take"),
    ]
  }
}
