import Checkpoint
import HTTPServer
import Telemetry

/// `resnetd serve --check`: what holds, why, and whether what is named can be used.
struct ServeCheck {
  let settings: ServeSettings

  init(_ settings: ServeSettings) { self.settings = settings }

  /// Prints every option that has a value, and where it comes from; then loads certificate and
  /// model. Nothing listens, and no store is opened.
  func run() throws(Failure) -> ExitCode {
    let rows = ServeSettings.effective(settings).map { option in
      let origin = settings.origins[option.name].map { "\($0)" } ?? "default"
      return [option.name, option.value, origin]
    }
    StandardOutput.write(TextTable(rows: [["OPTION", "VALUE", "FROM"]] + rows).text)
    for warning in settings.warnings { StandardError.write("resnetd serve: warning: \(warning)") }
    let log = Log(format: .text)
    defer { log.flush() }
    if let identities = try settings.tls.identities(log) {
      let bounded = settings.requestServer(identities.usual).connectionLimit
      StandardOutput.write("TLS: the certificate and its key fit, \(bounded) connections at most")
    }
    let model = try ModelSource.load(settings.model, settings.parts)
    StandardOutput.write(
      "model: \(model.name), version \(model.version.short), \(model.labels.count) classes"
        + (settings.admin.stateFolder == nil || settings.admin.prefersModel
          ? "" : "; one that is live in --state-dir is served in its place"))
    StandardOutput.write("ok")
    return .success
  }
}
