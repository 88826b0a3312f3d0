// Reads what is embedded in the program, and what CProgram keeps of its start.
// usage: contents FIRST SECOND
#include <fcntl.h>
#include <unistd.h>

#include "CEmbeddedModels.h"
#include "CImageNet.h"
#include "CPages.h"
#include "CProgram.h"
#include "driver.h"

// Requires the bytes to be those of a file, and prints their digest.
static void expect(
    const char *name, const void *bytes, size_t byte_count, const char *file_name) {
  const contents file = read_file(file_name);
  require(
      file.byte_count == byte_count && memcmp(file.bytes, bytes, byte_count) == 0,
      "%s is not the file %s", name, file_name);
  printf("%s: %zu %016llx\n", name, byte_count, (unsigned long long)digest(0, bytes, byte_count));
  free(file.bytes);
}

int main(int argc, char **argv) {
  require(argc == 3 && program_argument_count() == argc, "%d arguments", program_argument_count());
  for (int index = 0; index < argc; index++)
    require(strcmp(program_argument(index), argv[index]) == 0, "argument %d differs", index);
  close(STDIN_FILENO);
  program_descriptors_fill();
  require(fcntl(STDIN_FILENO, F_GETFD) != -1, "the number of standard input is free");
  program_memory_return_large();
  const struct embedded_model large = embedded_tiny_imagenet(), small = embedded_cifar10();
  require((uintptr_t)large.bytes % 64 == 0 && (uintptr_t)small.bytes % 64 == 0, "not aligned");
  expect(
      "tiny-imagenet", large.bytes, large.byte_count,
      "Sources/CEmbeddedModels/resnet18-half-tinyimagenet.safetensors");
  expect(
      "cifar10", small.bytes, small.byte_count,
      "Sources/CEmbeddedModels/resnet20-cifar10.safetensors");
  expect("home", page_home().bytes, page_home().byte_count, "Sources/CPages/home.html");
  expect("admin", page_admin().bytes, page_admin().byte_count, "Sources/CPages/admin.html");
  expect("style", page_style().bytes, page_style().byte_count, "Sources/CPages/page.css");
  expect(
      "labels", imagenet_labels_bytes(), imagenet_labels_byte_count(),
      "Sources/CImageNet/imagenet-labels.txt");
  expect(
      "synsets", imagenet_synsets_bytes(), imagenet_synsets_byte_count(),
      "Sources/CImageNet/imagenet-synsets.txt");
}
