#include "CPages.h"

static const unsigned char home[] = {
#embed "home.html"
};
static const unsigned char admin[] = {
#embed "admin.html"
};
static const unsigned char style[] = {
#embed "page.css"
};

struct page page_home(void) { return (struct page){home, sizeof home}; }

struct page page_admin(void) { return (struct page){admin, sizeof admin}; }

struct page page_style(void) { return (struct page){style, sizeof style}; }
