#include "CImageNet.h"

static const char labels[] = {
#embed "imagenet-labels.txt"
};

static const char synsets[] = {
#embed "imagenet-synsets.txt"
};

const char *imagenet_labels_bytes(void) { return labels; }

size_t imagenet_labels_byte_count(void) { return sizeof labels; }

const char *imagenet_synsets_bytes(void) { return synsets; }

size_t imagenet_synsets_byte_count(void) { return sizeof synsets; }
