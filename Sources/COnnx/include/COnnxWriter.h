#pragma once

#include "COnnx.h"

// Writer of an ONNX file, piece by piece.
//
// A writer belongs to one thread at a time. A failure while pieces are added is kept and reported
// by `onnx_writer_write`. Strings are terminated, and copied like everything else.

#ifdef __cplusplus
extern "C" {
#endif

typedef struct onnx_writer onnx_writer;

/// Returns null if out of memory; else the caller must close it.
onnx_writer *_Nullable onnx_writer_open(
    const char *_Nonnull producer, const char *_Nonnull producer_version,
    const char *_Nonnull graph_name, int64_t ir_version, int64_t opset);

void onnx_writer_close(onnx_writer *_Nonnull writer);

void onnx_writer_add_metadata(
    onnx_writer *_Nonnull writer, const char *_Nonnull key, const char *_Nonnull value);

/// Adds an fp32 input; a dimension of -1 gets the name "batch".
void onnx_writer_add_input(
    onnx_writer *_Nonnull writer, const char *_Nonnull name, const int64_t *_Nonnull dimensions,
    size_t rank);
void onnx_writer_add_output(
    onnx_writer *_Nonnull writer, const char *_Nonnull name, const int64_t *_Nonnull dimensions,
    size_t rank);

/// `element_type` is the number of `TensorProto.DataType`; the bytes are little-endian, row-major.
void onnx_writer_add_initializer(
    onnx_writer *_Nonnull writer, const char *_Nonnull name, int32_t element_type,
    const int64_t *_Nullable dimensions, size_t rank, const uint8_t *_Nullable bytes,
    size_t byte_count);

/// Begins a node: what is added to a node belongs to it until another begins.
void onnx_writer_begin_node(
    onnx_writer *_Nonnull writer, const char *_Nonnull name, const char *_Nonnull operation);
void onnx_writer_add_node_input(onnx_writer *_Nonnull writer, const char *_Nonnull name);
void onnx_writer_add_node_output(onnx_writer *_Nonnull writer, const char *_Nonnull name);
void onnx_writer_add_node_integer(
    onnx_writer *_Nonnull writer, const char *_Nonnull attribute, int64_t value);
void onnx_writer_add_node_number(
    onnx_writer *_Nonnull writer, const char *_Nonnull attribute, float value);
void onnx_writer_add_node_string(
    onnx_writer *_Nonnull writer, const char *_Nonnull attribute, const char *_Nonnull value);
void onnx_writer_add_node_integers(
    onnx_writer *_Nonnull writer, const char *_Nonnull attribute, const int64_t *_Nullable values,
    size_t count);

/// Runs ONNX's checker on the model and writes it to an open file; nothing is written if the model
/// is invalid or larger than a file may be. On failure `message` holds a terminated string.
onnx_status onnx_writer_write(
    onnx_writer *_Nonnull writer, int descriptor, char *_Nonnull message,
    size_t message_byte_count);

#ifdef __cplusplus
}
#endif
