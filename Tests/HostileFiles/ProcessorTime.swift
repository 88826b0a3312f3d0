import Glibc

/// What the calling thread has computed: time that does not go on while other programs have the cores.
package func threadProcessorTime() -> Duration {
  var time = timespec()
  unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
  return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
}
