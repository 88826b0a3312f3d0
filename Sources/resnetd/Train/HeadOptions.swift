import Serving

/// Settings of `resnetd train` about the last layer, and about what the model file carries.
struct HeadOptions: CommandSettings {
  var leavesOutInt8 = false

  static let options: [Option<HeadOptions>] = [
    .flag("no-int8", \.leavesOutInt8, "leave the calibration for int8 out of the model file")
  ]
}
