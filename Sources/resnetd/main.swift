import CProgram
import FoundationEssentials
import Glibc

// The arguments of `main`: Swift's own list needs /proc.
let arguments = (1..<max(1, program_argument_count())).map { index in
  // SAFETY: the process owns the string, and the index is below the count.
  unsafe String(cString: program_argument(index))
}
program_descriptors_fill()
// A write beyond a limit of file sizes is an error like others, not the end.
signal(SIGXFSZ, SIG_IGN)
program_memory_return_large()
// Forks before anything is read that decoders need not know, the environment included.
let spawner = Program.startSpawner(for: arguments)
exit(
  Program.run(
    arguments, environment: ProcessInfo.processInfo.environment, spawner: spawner
  ).rawValue)
