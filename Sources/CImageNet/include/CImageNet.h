/* Names of ImageNet's 1000 classes, one line each in order of the classes, as torchvision 0.29.2
   gives them out with its weights (torchvision/models/_meta.py, _IMAGENET_CATEGORIES; BSD
   3-Clause, Copyright (c) Soumith Chintala 2016). */
#pragma once

#include <stddef.h>

/* ASCII without a zero at the end; constant, lives as long as the program. */
const char *_Nonnull imagenet_labels_bytes(void);

size_t imagenet_labels_byte_count(void);

/* WordNet's numbers of the same classes in the same order, one line each, such as n01440764: the
   names of ImageNet's folders. Their sorted order is that of the classes. */
const char *_Nonnull imagenet_synsets_bytes(void);

size_t imagenet_synsets_byte_count(void);
