import FoundationEssentials
import Glibc

let arguments = Array(CommandLine.arguments.dropFirst())
// Before anything is read that decoders need not know, the environment included.
let spawner = Program.startSpawner(for: arguments)
exit(
  Program.run(
    arguments, environment: ProcessInfo.processInfo.environment, spawner: spawner
  ).rawValue)
