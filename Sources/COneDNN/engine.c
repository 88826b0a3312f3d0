#define _GNU_SOURCE
#include <malloc.h>
#include <sched.h>
#include <stdlib.h>

#include "internal.h"

// Declarations of OpenMP's runtime, which Debian's oneDNN uses; the Swift toolchain's clang has no
// omp.h.
void omp_set_num_threads(int count);
int omp_get_max_threads(void);
int omp_get_thread_num(void);
void GOMP_parallel(void (*body)(void *), void *data, unsigned threads, unsigned flags);
// omp_pause_soft is 1.
int omp_pause_resource_all(int kind);

void onednn_version(int *major, int *minor, int *patch) {
  const dnnl_version_t *version = dnnl_version();
  *major = version->major;
  *minor = version->minor;
  *patch = version->patch;
}

void onednn_threads_set(int count) {
  omp_set_num_threads(count);
}

int onednn_threads(void) {
  return omp_get_max_threads();
}

// Moves the thread to the allowed core with its number in the team.
static void take_core(void *data) {
  const cpu_set_t *allowed = data;
  int missing = omp_get_thread_num();
  for (int core = 0; core < CPU_SETSIZE; core++) {
    if (!CPU_ISSET(core, allowed) || missing-- > 0) continue;
    cpu_set_t own;
    CPU_ZERO(&own);
    CPU_SET(core, &own);
    // If it fails, the thread runs wherever the system likes, as before.
    sched_setaffinity(0, sizeof own, &own);
    return;
  }
}

// Cores that the calling thread may run on when it has no team; empty while they are not known.
static _Thread_local cpu_set_t cores;

void onednn_team_begin(int count) {
  omp_set_num_threads(count);
  if (sched_getaffinity(0, sizeof cores, &cores) != 0)
    CPU_ZERO(&cores);
  else
    GOMP_parallel(take_core, &cores, (unsigned)count, 0);
}

void onednn_team_end(void) {
  omp_pause_resource_all(1);
  if (CPU_COUNT(&cores) > 0) sched_setaffinity(0, sizeof cores, &cores);
}

onednn_status onednn_engine_create(onednn_engine **engine, onednn_message *message) {
  onednn_engine *made = malloc(sizeof *made);
  if (!made) return onednn_report(dnnl_out_of_memory, "engine", message);
  dnnl_status_t status = dnnl_engine_create(&made->engine, dnnl_cpu, 0);
  if (status != dnnl_success) {
    free(made);
    return onednn_report(status, "engine", message);
  }
  *engine = made;
  return ONEDNN_OK;
}

void onednn_engine_destroy(onednn_engine *engine) {
  dnnl_engine_destroy(engine->engine);
  free(engine);
}

onednn_status onednn_stream_create(
    const onednn_engine *engine, onednn_stream **stream, onednn_message *message) {
  onednn_stream *made = malloc(sizeof *made);
  if (!made) return onednn_report(dnnl_out_of_memory, "stream", message);
  dnnl_status_t status =
      dnnl_stream_create(&made->stream, engine->engine, dnnl_stream_default_flags);
  if (status != dnnl_success) {
    free(made);
    return onednn_report(status, "stream", message);
  }
  *stream = made;
  return ONEDNN_OK;
}

void onednn_stream_destroy(onednn_stream *stream) {
  dnnl_stream_destroy(stream->stream);
  free(stream);
}

void onednn_freed_memory_return(void) {
  // A sanitizer's allocator takes the place of glibc's, which then has nothing to return and sets
  // itself up on the first call, without a lock.
#if !__has_feature(thread_sanitizer) && !__has_feature(address_sanitizer)
  malloc_trim(0);
#endif
}
