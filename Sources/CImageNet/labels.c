#include "CImageNet.h"

static const char labels[] = {
#embed "imagenet-labels.txt"
};

const char *imagenet_labels_bytes(void) { return labels; }

size_t imagenet_labels_byte_count(void) { return sizeof labels; }
