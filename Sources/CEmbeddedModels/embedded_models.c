#include "CEmbeddedModels.h"

// Aligned for the widest vectors that read the numbers in place.
static const unsigned char tiny_imagenet[] __attribute__((aligned(64))) = {
#embed "resnet18-half-tinyimagenet.safetensors"
};

static const unsigned char cifar10[] __attribute__((aligned(64))) = {
#embed "resnet20-cifar10.safetensors"
};

struct embedded_model embedded_tiny_imagenet(void) {
  return (struct embedded_model){tiny_imagenet, sizeof tiny_imagenet};
}

struct embedded_model embedded_cifar10(void) {
  return (struct embedded_model){cifar10, sizeof cifar10};
}
