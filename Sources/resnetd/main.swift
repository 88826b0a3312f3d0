import CProgram
import Glibc

let arguments = ProgramArguments.all
// A signal to end that comes from here on waits for whoever drains; nothing takes time before.
if arguments.first == ServeCommand.name { ShutdownSignals.hold() }
program_descriptors_fill()
// A write beyond a limit of file sizes is an error like others, not the end.
signal(SIGXFSZ, SIG_IGN)
program_memory_return_large()
// Forks before anything is read that decoders need not know, the environment included.
let spawner = Program.startSpawner(for: arguments)
exit(
  Program.run(
    arguments, environment: ProgramEnvironment.all, spawner: spawner
  ).rawValue)
