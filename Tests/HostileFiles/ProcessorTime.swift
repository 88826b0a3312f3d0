import Glibc

/// Returns the calling thread's processor time, which stands still while other programs have the
/// cores.
package func threadProcessorTime() -> Duration {
  var time = timespec()
  unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
  return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
}

/// Processor time that reading any hostile file may take. Release builds take half a second at the
/// most, sanitizers on slow and busy machines a hundred times that, a reader that does not end all of
/// it.
package let hostileFileTimeLimit = Duration.seconds(300)
