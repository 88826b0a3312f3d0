#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// An ONNX file as flat values: protobuf and ONNX's checker behind a C ABI.
//
// A model belongs to one thread at a time. It does not borrow the file's bytes; what it hands out
// lives until it is closed. It never opens another file. Indices must be below the count that
// belongs to them.

#ifdef __cplusplus
extern "C" {
#endif

typedef enum onnx_status {
  ONNX_STATUS_OK = 0,
  /// The bytes are no ONNX model, or break a rule of the format.
  ONNX_STATUS_INVALID = 1,
  /// A valid model that has something which is not read here: subgraphs, sparse tensors, functions.
  ONNX_STATUS_UNSUPPORTED = 2,
  /// More of something than a limit below allows.
  ONNX_STATUS_OVER_LIMIT = 3,
  ONNX_STATUS_OUT_OF_MEMORY = 4,
  /// The system would not write the file.
  ONNX_STATUS_NOT_WRITTEN = 5,
} onnx_status;

enum {
  /// A message buffer of this size holds the start of every message; longer ones are cut.
  ONNX_MESSAGE_BYTE_COUNT = 1024,
  /// Messages inside messages; a model without subgraphs needs eight.
  ONNX_NESTING_LIMIT = 32,
  /// Dimensions of one tensor.
  ONNX_RANK_LIMIT = 16,
  /// Nodes, attributes, tensors, dimensions, texts and the like in one file: each costs far
  /// more memory than the two bytes that it may take in the file. A ResNet-152 has about 5,000.
  ONNX_PART_LIMIT = 1 << 20,
  /// Numbers outside raw tensor bytes, for the same reason.
  ONNX_NUMBER_LIMIT = 64 << 20,
  /// protobuf counts the bytes of a file in 31 bits.
  ONNX_FILE_BYTE_COUNT_LIMIT = INT32_MAX,
  /// Later revisions of the file format than this are refused; since 8, up to here, they only add
  /// element types, notes and hints for several devices (onnx.proto of onnx 1.23).
  ONNX_IR_VERSION_LIMIT = 14,
  /// Operator sets whose meaning is known. Those behind 17 are handed out as 17.
  ONNX_OPSET_MINIMUM = 7,
  ONNX_OPSET_LIMIT = 28,
};

typedef enum onnx_attribute_kind {
  ONNX_ATTRIBUTE_INT = 0,
  ONNX_ATTRIBUTE_FLOAT = 1,
  ONNX_ATTRIBUTE_STRING = 2,
  ONNX_ATTRIBUTE_TENSOR = 3,
  ONNX_ATTRIBUTE_INTS = 4,
  ONNX_ATTRIBUTE_FLOATS = 5,
  ONNX_ATTRIBUTE_STRINGS = 6,
} onnx_attribute_kind;

/// Bytes of a text, not terminated, not necessarily UTF-8.
typedef struct onnx_text {
  const char *_Nullable bytes;
  size_t count;
} onnx_text;

/// An input or output of the graph.
typedef struct onnx_value {
  onnx_text name;
  /// The number of `TensorProto.DataType`; 0 where it is not declared or no tensor.
  int32_t element_type;
  bool has_shape;
  /// -1 for a dimension that has a name or nothing in place of a number.
  int64_t dimensions[ONNX_RANK_LIMIT];
  size_t rank;
} onnx_value;

typedef struct onnx_tensor {
  onnx_text name;
  int32_t element_type;
  const int64_t *_Nullable dimensions;
  size_t rank;
  /// Little endian, row-major, as many as shape and type ask for; null for strings and external
  /// data.
  const uint8_t *_Nullable bytes;
  size_t byte_count;
  bool is_external;
  /// Of external data, as the file says it: nothing here was checked. `external_length` is -1 where
  /// absent.
  onnx_text location;
  int64_t external_offset;
  int64_t external_length;
} onnx_tensor;

typedef struct onnx_attribute {
  onnx_text name;
  onnx_attribute_kind kind;
  int64_t integer;
  float number;
  onnx_text text;
  const int64_t *_Nullable integers;
  const float *_Nullable numbers;
  /// Of integers, numbers or texts.
  size_t count;
} onnx_attribute;

typedef struct onnx_node {
  onnx_text operation;
  onnx_text domain;
  onnx_text name;
  size_t input_count;
  size_t output_count;
  size_t attribute_count;
} onnx_node;

typedef struct onnx_model onnx_model;

/// Parses under the limits above and runs ONNX's checker. On success `*model` is the caller's to
/// close; on failure it is null and `message` holds a terminated text.
onnx_status onnx_model_read(
    const uint8_t *_Nonnull bytes, size_t byte_count, onnx_model *_Nullable *_Nonnull model,
    char *_Nonnull message, size_t message_byte_count);

void onnx_model_close(onnx_model *_Nonnull model);

int64_t onnx_model_ir_version(const onnx_model *_Nonnull model);
onnx_text onnx_model_producer(const onnx_model *_Nonnull model);
onnx_text onnx_model_graph_name(const onnx_model *_Nonnull model);

/// The set of ONNX's own operators that the nodes are to be read by: 7 to 17.
int64_t onnx_model_opset(const onnx_model *_Nonnull model);

size_t onnx_model_metadata_count(const onnx_model *_Nonnull model);
onnx_text onnx_model_metadata_key(const onnx_model *_Nonnull model, size_t index);
onnx_text onnx_model_metadata_value(const onnx_model *_Nonnull model, size_t index);

size_t onnx_model_input_count(const onnx_model *_Nonnull model);
void onnx_model_input(
    const onnx_model *_Nonnull model, size_t index, onnx_value *_Nonnull value);
size_t onnx_model_output_count(const onnx_model *_Nonnull model);
void onnx_model_output(
    const onnx_model *_Nonnull model, size_t index, onnx_value *_Nonnull value);

size_t onnx_model_initializer_count(const onnx_model *_Nonnull model);
void onnx_model_initializer(
    const onnx_model *_Nonnull model, size_t index, onnx_tensor *_Nonnull tensor);

size_t onnx_model_node_count(const onnx_model *_Nonnull model);
void onnx_model_node(const onnx_model *_Nonnull model, size_t index, onnx_node *_Nonnull node);
onnx_text onnx_model_node_input(const onnx_model *_Nonnull model, size_t node, size_t index);
onnx_text onnx_model_node_output(const onnx_model *_Nonnull model, size_t node, size_t index);
void onnx_model_node_attribute(
    const onnx_model *_Nonnull model, size_t node, size_t index,
    onnx_attribute *_Nonnull attribute);
/// One of the `count` texts of an attribute of the kind STRINGS.
onnx_text onnx_model_node_attribute_text(
    const onnx_model *_Nonnull model, size_t node, size_t attribute, size_t index);
/// The tensor of an attribute of the kind TENSOR.
void onnx_model_node_attribute_tensor(
    const onnx_model *_Nonnull model, size_t node, size_t attribute,
    onnx_tensor *_Nonnull tensor);

#ifdef __cplusplus
}
#endif

#include "COnnxWriter.h"
