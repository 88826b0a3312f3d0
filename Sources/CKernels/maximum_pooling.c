#include "maximum_rows.h"

// libgomp's entry to a parallel region: its team is the one that oneDNN's primitives use.
void GOMP_parallel(void (*body)(void *), void *data, unsigned threads, unsigned flags);
int omp_get_thread_num(void);
int omp_get_num_threads(void);

bool maximum_pooling_computes(const maximum_pooling *p) {
  const int64_t vector_byte_count = p->instructions == WINOGRAD_AVX512 ? 64 : 32;
  return p->channels * maximum_byte_count(p->number) >= vector_byte_count;
}

typedef struct {
  const maximum_pooling *pooling;
  const void *source;
  void *destination;
} run_arguments;

static int64_t row_count(const maximum_pooling *p) { return p->images * p->output_height; }

static void run_part(const run_arguments *a, int64_t part, int64_t parts) {
  const maximum_pooling *p = a->pooling;
  const int64_t first = part * row_count(p) / parts, last = (part + 1) * row_count(p) / parts;
  switch (p->instructions) {
#if defined(__x86_64__)
    case WINOGRAD_AVX512: maximum_rows_avx512(p, a->source, a->destination, first, last); break;
    case WINOGRAD_AVX2: maximum_rows_avx2(p, a->source, a->destination, first, last); break;
#endif
    default: maximum_rows_portable(p, a->source, a->destination, first, last);
  }
}

// The team may be smaller than was asked for.
static void run_share(void *arguments) {
  run_part(arguments, omp_get_thread_num(), omp_get_num_threads());
}

void maximum_pooling_run(const maximum_pooling *p, const void *source, void *destination) {
  run_arguments arguments = {p, source, destination};
  const int64_t rows = row_count(p), threads = rows < p->threads ? rows : p->threads;
  if (threads <= 1)
    run_part(&arguments, 0, 1);
  else
    GOMP_parallel(run_share, &arguments, (unsigned)threads, 0);
}
