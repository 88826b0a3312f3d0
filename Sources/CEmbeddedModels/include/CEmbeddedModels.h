/* Model files that are part of the program. */
#pragma once

#include <stddef.h>

/* A file's bytes, aligned to 64; constant, they live as long as the program. */
struct embedded_model {
  const void *_Nonnull bytes;
  size_t byte_count;
};

/* ResNet-18 of half the width for 64x64 pixels, 200 classes of Tiny ImageNet. */
struct embedded_model embedded_tiny_imagenet(void);

/* ResNet-20 for 32x32 pixels, the ten classes of CIFAR-10. */
struct embedded_model embedded_cifar10(void);
