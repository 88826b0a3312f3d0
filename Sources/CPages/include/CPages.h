/* Pages that are part of the program. */
#pragma once

#include <stddef.h>

/* A page's bytes, UTF-8; constant, they live as long as the program. */
struct page {
  const unsigned char *_Nonnull bytes;
  size_t byte_count;
};

/* The page at `/`: style and script inside, each once and without attributes. The style begins with
   a line that the common one takes the place of. */
struct page page_home(void);

/* The page at `/admin/`, likewise. */
struct page page_admin(void);

/* The style that the pages have in common. */
struct page page_style(void);
