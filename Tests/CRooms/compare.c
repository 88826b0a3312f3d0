// Compares what a driver printed on two machines, in the form that driver.h gives; prints how much
// was compared, or the lines that differ.
// usage: compare FILE FILE
#define _GNU_SOURCE
#include "driver.h"

enum { shown_difference_limit = 5, shown_byte_limit = 160 };

typedef struct {
  FILE *file;
  char *line;
  size_t capacity;
} lines;

// Reads the next line that is not a note, without its end; NULL after the last.
static char *next_line(lines *from) {
  ssize_t length;
  do {
    length = getline(&from->line, &from->capacity, from->file);
  } while (length > 0 && from->line[0] == '#');
  if (length <= 0) return NULL;
  if (from->line[length - 1] == '\n') from->line[length - 1] = 0;
  return from->line;
}

// Returns the largest difference of the numbers of two lines by the largest number of the first, or
// a number that no tolerance allows where the lines have other names or counts.
static double difference(const char *a, const char *b, double *tolerance, size_t *count) {
  const size_t name = strcspn(a, " ");
  if (strncmp(a, b, name + 1) != 0) return INFINITY;
  char *a_end, *b_end;
  *tolerance = strtod(a + name, &a_end);
  if (strtod(b + name, &b_end) != *tolerance) return INFINITY;
  double largest = 0, furthest = 0;
  while (*a_end && *b_end) {
    const double x = strtod(a_end, &a_end), y = strtod(b_end, &b_end);
    if (!isfinite(x) || !isfinite(y)) return INFINITY;
    largest = fmax(largest, fabs(x));
    furthest = fmax(furthest, fabs(x - y));
    *count += 1;
  }
  if (*a_end || *b_end) return INFINITY;
  return largest > 0 ? furthest / largest : furthest;
}

int main(int argc, char **argv) {
  require(argc == 3, "usage: compare FILE FILE");
  lines a = {.file = fopen(argv[1], "r")}, b = {.file = fopen(argv[2], "r")};
  require(a.file && b.file, "cannot open %s or %s", argv[1], argv[2]);
  size_t equal = 0, different = 0, number_count = 0;
  double furthest = 0;
  for (;;) {
    const char *x = next_line(&a), *y = next_line(&b);
    if (!x && !y) break;
    bool is_same = x && y;
    if (is_same && x[0] == '~') {
      double tolerance = 0;
      const double found = difference(x, y, &tolerance, &number_count);
      is_same = found <= tolerance;
      furthest = fmax(furthest, found);
    } else if (is_same) {
      is_same = strcmp(x, y) == 0;
    }
    if (is_same) {
      equal++;
    } else if (different++ < shown_difference_limit) {
      fprintf(
          stderr, "here:    %.*s\naarch64: %.*s\n", shown_byte_limit, x ? x : "nothing more",
          shown_byte_limit, y ? y : "nothing more");
    }
  }
  require(different == 0, "%zu lines differ", different);
  require(equal > 0, "nothing was printed");
  printf("%zu lines the same", equal);
  if (number_count > 0)
    printf(", %zu numbers within %.1e of the largest", number_count, furthest);
  putchar('\n');
}
