// Reads ONNX files by COnnx, whole, cut and damaged, and writes one.
// usage: onnx FILE...
#define _GNU_SOURCE
#include <sys/mman.h>
#include <unistd.h>

#include "COnnx.h"
#include "driver.h"

static uint64_t sum;

static void add(const void *bytes, size_t byte_count) { sum = digest(sum, bytes, byte_count); }
static void add_integer(int64_t value) { add(&value, sizeof value); }
static void add_string(onnx_string string) {
  add_integer((int64_t)string.count);
  add(string.bytes, string.count);
}

static void add_value(const onnx_value *value) {
  add_string(value->name);
  add_integer(value->element_type);
  add_integer(value->has_shape);
  if (value->has_shape) add(value->dimensions, value->rank * sizeof(int64_t));
}

static void add_tensor(const onnx_tensor *tensor) {
  add_string(tensor->name);
  add_integer(tensor->element_type);
  add(tensor->dimensions, tensor->rank * sizeof(int64_t));
  add_integer((int64_t)tensor->byte_count);
  if (tensor->bytes) add(tensor->bytes, tensor->byte_count);
  add_integer(tensor->is_external);
  if (!tensor->is_external) return;
  add_string(tensor->location);
  add_integer(tensor->external_offset);
  add_integer(tensor->external_length);
}

static void add_attribute(const onnx_model *model, size_t node, size_t index) {
  onnx_attribute attribute;
  onnx_model_node_attribute(model, node, index, &attribute);
  add_string(attribute.name);
  add_integer(attribute.kind);
  switch (attribute.kind) {
    case ONNX_ATTRIBUTE_INT: add_integer(attribute.integer); break;
    case ONNX_ATTRIBUTE_FLOAT: add(&attribute.number, sizeof attribute.number); break;
    case ONNX_ATTRIBUTE_STRING: add_string(attribute.string); break;
    case ONNX_ATTRIBUTE_INTS: add(attribute.integers, attribute.count * sizeof(int64_t)); break;
    case ONNX_ATTRIBUTE_FLOATS: add(attribute.numbers, attribute.count * sizeof(float)); break;
    case ONNX_ATTRIBUTE_STRINGS:
      for (size_t string = 0; string < attribute.count; string++)
        add_string(onnx_model_node_attribute_string(model, node, index, string));
      break;
    case ONNX_ATTRIBUTE_TENSOR: {
      onnx_tensor tensor;
      onnx_model_node_attribute_tensor(model, node, index, &tensor);
      add_tensor(&tensor);
    }
  }
}

static void add_node(const onnx_model *model, size_t index) {
  onnx_node node;
  onnx_model_node(model, index, &node);
  add_string(node.operation);
  add_string(node.domain);
  add_string(node.name);
  for (size_t input = 0; input < node.input_count; input++)
    add_string(onnx_model_node_input(model, index, input));
  for (size_t output = 0; output < node.output_count; output++)
    add_string(onnx_model_node_output(model, index, output));
  for (size_t attribute = 0; attribute < node.attribute_count; attribute++)
    add_attribute(model, index, attribute);
}

static void add_graph(const onnx_model *model) {
  add_integer(onnx_model_ir_version(model));
  add_integer(onnx_model_opset(model));
  add_string(onnx_model_producer(model));
  add_string(onnx_model_graph_name(model));
  for (size_t index = 0; index < onnx_model_metadata_count(model); index++) {
    add_string(onnx_model_metadata_key(model, index));
    add_string(onnx_model_metadata_value(model, index));
  }
  onnx_value value;
  for (size_t index = 0; index < onnx_model_input_count(model); index++) {
    onnx_model_input(model, index, &value);
    add_value(&value);
  }
  for (size_t index = 0; index < onnx_model_output_count(model); index++) {
    onnx_model_output(model, index, &value);
    add_value(&value);
  }
  onnx_tensor tensor;
  for (size_t index = 0; index < onnx_model_initializer_count(model); index++) {
    onnx_model_initializer(model, index, &tensor);
    add_tensor(&tensor);
  }
  for (size_t index = 0; index < onnx_model_node_count(model); index++) add_node(model, index);
}

// Prints what a file holds; returns whether it can be read.
static bool read_model(const char *name, contents file) {
  onnx_model *model = NULL;
  char message[ONNX_MESSAGE_BYTE_COUNT] = "";
  const onnx_status status =
      onnx_model_read(file.bytes, file.byte_count, &model, message, sizeof message);
  if (status != ONNX_STATUS_OK) {
    // Messages of several lines name lines of the library's sources.
    message[strcspn(message, "\n")] = 0;
    printf("%s: %d %s\n", name, status, message);
    return false;
  }
  sum = no_bytes_digest;
  add_graph(model);
  printf(
      "%s: %zu nodes, %zu initializers, %016llx\n", name, onnx_model_node_count(model),
      onnx_model_initializer_count(model), (unsigned long long)sum);
  onnx_model_close(model);
  return true;
}

static void write_model(void) {
  enum { ir_version = 8, opset = 13, element_float = 1 };
  const int64_t input[] = {-1, 3, 8, 8}, output[] = {-1, 4, 8, 8}, weights[] = {4, 3, 3, 3};
  const int64_t padding[] = {1, 1, 1, 1};
  float *numbers = numbers_of(7, 4 * 3 * 3 * 3);
  onnx_writer *writer = onnx_writer_open("resnetd", "1", "graph", ir_version, opset);
  require(writer, "no memory");
  onnx_writer_add_metadata(writer, "author", "K\xC3\xA4the");
  onnx_writer_add_input(writer, "image", input, 4);
  onnx_writer_add_output(writer, "map", output, 4);
  onnx_writer_add_initializer(
      writer, "weights", element_float, weights, 4, (const uint8_t *)numbers,
      4 * 3 * 3 * 3 * sizeof(float));
  onnx_writer_begin_node(writer, "convolution", "Conv");
  onnx_writer_add_node_input(writer, "image");
  onnx_writer_add_node_input(writer, "weights");
  onnx_writer_add_node_output(writer, "sums");
  onnx_writer_add_node_integers(writer, "pads", padding, 4);
  onnx_writer_begin_node(writer, "activation", "LeakyRelu");
  onnx_writer_add_node_input(writer, "sums");
  onnx_writer_add_node_output(writer, "map");
  onnx_writer_add_node_number(writer, "alpha", 0.1f);
  const int file = memfd_create("model", 0);
  char message[ONNX_MESSAGE_BYTE_COUNT] = "";
  require(
      file >= 0 && onnx_writer_write(writer, file, message, sizeof message) == ONNX_STATUS_OK,
      "the model is not written: %s", message);
  onnx_writer_close(writer);
  const off_t byte_count = lseek(file, 0, SEEK_END);
  contents written = {malloc((size_t)byte_count), (size_t)byte_count};
  require(
      written.bytes && pread(file, written.bytes, written.byte_count, 0) == byte_count,
      "cannot read what was written");
  printf("written: %016llx\n", (unsigned long long)digest(0, written.bytes, written.byte_count));
  require(read_model("written", written), "what was written cannot be read");
  free(written.bytes);
  free(numbers);
  close(file);
}

int main(int argc, char **argv) {
  int read = 0;
  for (int index = 1; index < argc; index++) {
    const contents file = read_file(argv[index]);
    const char *name = name_of(argv[index]);
    read += read_model(name, file);
    uint64_t state = digest(0, file.bytes, file.byte_count);
    for (int part = 1; part < 8; part++)
      read_model(name, (contents){file.bytes, file.byte_count * (size_t)part / 8});
    for (int damage = 0; damage < 8; damage++) {
      const size_t place = next_bits(&state) % file.byte_count;
      const uint8_t before = file.bytes[place];
      file.bytes[place] = (uint8_t)next_bits(&state);
      read_model(name, file);
      file.bytes[place] = before;
    }
    free(file.bytes);
  }
  require(2 * read > argc, "%d of %d files can be read", read, argc - 1);
  write_model();
}
