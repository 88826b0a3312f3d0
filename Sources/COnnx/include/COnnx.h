#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// ONNX file as flat values: a C interface to protobuf and ONNX's checker.
//
// A model belongs to one thread at a time. It does not borrow the file's bytes; what it returns
// lives until it is closed. It never opens another file. Indices must be less than the count that
// belongs to them.

#ifdef __cplusplus
extern "C" {
#endif

typedef enum onnx_status {
  ONNX_STATUS_OK = 0,
  /// The bytes are not an ONNX model, or break a rule of the format.
  ONNX_STATUS_INVALID = 1,
  /// A valid model with a feature that is not supported here: subgraphs, sparse tensors, functions.
  ONNX_STATUS_UNSUPPORTED = 2,
  /// The file exceeds a limit below.
  ONNX_STATUS_OVER_LIMIT = 3,
  ONNX_STATUS_OUT_OF_MEMORY = 4,
  /// The system refused to write the file.
  ONNX_STATUS_NOT_WRITTEN = 5,
} onnx_status;

enum {
  /// Bytes of a message buffer; longer messages are cut.
  ONNX_MESSAGE_BYTE_COUNT = 1024,
  /// Depth of nested messages; a model needs eight, in the branches of a conditional three more.
  ONNX_NESTING_LIMIT = 32,
  /// Dimensions of one tensor.
  ONNX_RANK_LIMIT = 16,
  /// Nodes, attributes, tensors, dimensions, strings and the like in one file: each costs far more
  /// memory than the two bytes that it may take in the file. A ResNet-152 has about 5,000.
  ONNX_PART_LIMIT = 1 << 20,
  /// Numbers outside raw tensor bytes, for the same reason.
  ONNX_NUMBER_LIMIT = 64 << 20,
  /// Bytes of a file, which protobuf counts in 31 bits.
  ONNX_FILE_BYTE_COUNT_LIMIT = INT32_MAX,
  /// Latest supported revision of the file format; from 8 on, revisions only add element types,
  /// notes and hints for several devices (onnx.proto of onnx 1.23).
  ONNX_IR_VERSION_LIMIT = 14,
  /// Operator sets whose meaning is known. Those after 17 are returned as 17.
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

/// Bytes of a string, not terminated, not necessarily UTF-8.
typedef struct onnx_string {
  const char *_Nullable bytes;
  size_t count;
} onnx_string;

/// Input or output of the graph.
typedef struct onnx_value {
  onnx_string name;
  /// Number of `TensorProto.DataType`; 0 if it is not declared or not a tensor.
  int32_t element_type;
  bool has_shape;
  /// Dimensions; -1 for one that has a name or nothing in place of a number.
  int64_t dimensions[ONNX_RANK_LIMIT];
  size_t rank;
} onnx_value;

typedef struct onnx_tensor {
  onnx_string name;
  int32_t element_type;
  const int64_t *_Nullable dimensions;
  size_t rank;
  /// Little-endian, row-major, as many as shape and type ask for; null for strings and external
  /// data.
  const uint8_t *_Nullable bytes;
  size_t byte_count;
  bool is_external;
  /// Place of external data as the file gives it, unchecked. `external_length` is -1 if absent.
  onnx_string location;
  int64_t external_offset;
  int64_t external_length;
} onnx_tensor;

typedef struct onnx_attribute {
  onnx_string name;
  onnx_attribute_kind kind;
  int64_t integer;
  float number;
  onnx_string string;
  const int64_t *_Nullable integers;
  const float *_Nullable numbers;
  /// Count of integers, numbers or strings.
  size_t count;
} onnx_attribute;

typedef struct onnx_node {
  onnx_string operation;
  onnx_string domain;
  onnx_string name;
  size_t input_count;
  size_t output_count;
  size_t attribute_count;
} onnx_node;

typedef struct onnx_model onnx_model;

/// Parses under the limits above and runs ONNX's checker. On success the caller must close
/// `*model`; on failure it is null and `message` holds a terminated string.
onnx_status onnx_model_read(
    const uint8_t *_Nonnull bytes, size_t byte_count, onnx_model *_Nullable *_Nonnull model,
    char *_Nonnull message, size_t message_byte_count);

void onnx_model_close(onnx_model *_Nonnull model);

int64_t onnx_model_ir_version(const onnx_model *_Nonnull model);
onnx_string onnx_model_producer(const onnx_model *_Nonnull model);
onnx_string onnx_model_graph_name(const onnx_model *_Nonnull model);

/// Returns the set of ONNX's own operators that defines the nodes: 7 to 17.
int64_t onnx_model_opset(const onnx_model *_Nonnull model);

size_t onnx_model_metadata_count(const onnx_model *_Nonnull model);
onnx_string onnx_model_metadata_key(const onnx_model *_Nonnull model, size_t index);
onnx_string onnx_model_metadata_value(const onnx_model *_Nonnull model, size_t index);

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
onnx_string onnx_model_node_input(const onnx_model *_Nonnull model, size_t node, size_t index);
onnx_string onnx_model_node_output(const onnx_model *_Nonnull model, size_t node, size_t index);
void onnx_model_node_attribute(
    const onnx_model *_Nonnull model, size_t node, size_t index,
    onnx_attribute *_Nonnull attribute);
/// Returns one of the `count` strings of an attribute of the kind STRINGS.
onnx_string onnx_model_node_attribute_string(
    const onnx_model *_Nonnull model, size_t node, size_t attribute, size_t index);
/// Returns the tensor of an attribute of the kind TENSOR.
void onnx_model_node_attribute_tensor(
    const onnx_model *_Nonnull model, size_t node, size_t attribute,
    onnx_tensor *_Nonnull tensor);

#ifdef __cplusplus
}
#endif

#include "COnnxWriter.h"
