#include "scratch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct scratch_block {
  struct scratch_block *next;
  struct scratch_block *previous;
  size_t byte_count;
  // yajl's memory follows at the alignment of any type.
  max_align_t bytes[];
} block;

static void *take(void *context, size_t count) {
  scratch *memory = context;
  if (count > memory->limit - memory->used) longjmp(memory->refused, 1);
  block *made = malloc(sizeof(block) + count);
  if (!made) longjmp(memory->refused, 1);
  made->byte_count = count;
  made->previous = NULL;
  made->next = memory->first;
  if (made->next) made->next->previous = made;
  memory->first = made;
  memory->used += count;
  return made->bytes;
}

static block *block_of(void *bytes) { return (block *)((char *)bytes - offsetof(block, bytes)); }

static void give(void *context, void *bytes) {
  if (!bytes) return;
  scratch *memory = context;
  block *old = block_of(bytes);
  memory->used -= old->byte_count;
  if (old->next) old->next->previous = old->previous;
  if (old->previous) old->previous->next = old->next;
  else memory->first = old->next;
  free(old);
}

static void *change(void *context, void *bytes, size_t count) {
  if (!bytes) return take(context, count);
  scratch *memory = context;
  block *old = block_of(bytes);
  size_t others = memory->used - old->byte_count;
  if (count > memory->limit - others) longjmp(memory->refused, 1);
  block *made = realloc(old, sizeof(block) + count);
  if (!made) longjmp(memory->refused, 1);
  made->byte_count = count;
  if (made->next) made->next->previous = made;
  if (made->previous) made->previous->next = made;
  else memory->first = made;
  memory->used = others + count;
  return made->bytes;
}

yajl_alloc_funcs scratch_functions(scratch *memory) {
  return (yajl_alloc_funcs){take, change, give, memory};
}

void scratch_free(scratch *memory) {
  while (memory->first) {
    block *next = memory->first->next;
    free(memory->first);
    memory->first = next;
  }
}

void json_note(yajl_handle parser, char *message, size_t byte_count) {
  // Without the input, which may be anything, and long.
  unsigned char *text = yajl_get_error(parser, 0, NULL, 0);
  snprintf(message, byte_count, "%s", (const char *)text);
  message[strcspn(message, "\n")] = 0;
  yajl_free_error(parser, text);
}
