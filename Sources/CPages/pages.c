#include "CPages.h"

static const unsigned char home[] = {
#embed "home.html"
};

struct page page_home(void) { return (struct page){home, sizeof home}; }
