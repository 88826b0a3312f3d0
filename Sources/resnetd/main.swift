import CProgram
import FoundationEssentials
import Glibc

// What `main` was given: Swift's own list needs /proc.
let arguments = (1..<max(1, program_argument_count())).map { index in
  // SAFETY: a string of the process's, one of as many as were counted.
  unsafe String(cString: program_argument(index))
}
program_descriptors_fill()
// What a limit of file sizes refuses is an error like others, not the end.
signal(SIGXFSZ, SIG_IGN)
program_memory_return_large()
// Before anything is read that decoders need not know, the environment included.
let spawner = Program.startSpawner(for: arguments)
exit(
  Program.run(
    arguments, environment: ProcessInfo.processInfo.environment, spawner: spawner
  ).rawValue)
