import Glibc

/// Returns the calling thread's processor time, which stands still while other programs have the
/// cores.
package func threadProcessorTime() -> Duration {
  var time = timespec()
  unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
  return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
}
