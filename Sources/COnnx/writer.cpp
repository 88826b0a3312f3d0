#include <google/protobuf/io/zero_copy_stream_impl.h>
#include <onnx/checker.h>

#include <cstring>
#include <memory>
#include <new>

#include "COnnxWriter.h"
#include "model.hpp"

struct onnx_writer {
  onnx::ModelProto file;
  onnx_status status = ONNX_STATUS_OK;
  std::string message;

  onnx::GraphProto &graph() { return *file.mutable_graph(); }

  /// The node that was begun last.
  onnx::NodeProto &node() {
    const int count = graph().node_size();
    if (count == 0) throw refusal(ONNX_STATUS_INVALID, "a node must be begun first");
    return *graph().mutable_node(count - 1);
  }

  onnx::AttributeProto &attribute(const char *name, onnx::AttributeProto::AttributeType type) {
    onnx::AttributeProto &attribute = *node().add_attribute();
    attribute.set_name(name);
    attribute.set_type(type);
    return attribute;
  }

  /// Runs a step, unless an earlier one has failed.
  template <typename Step>
  void run(Step step) noexcept {
    if (status != ONNX_STATUS_OK) return;
    try {
      step();
    } catch (const refusal &error) {
      fail(error.status, error.what());
    } catch (const std::bad_alloc &) {
      fail(ONNX_STATUS_OUT_OF_MEMORY, "out of memory");
    } catch (const std::exception &error) {
      fail(ONNX_STATUS_INVALID, error.what());
    } catch (...) {
      fail(ONNX_STATUS_INVALID, "the model cannot be checked");
    }
  }

 private:
  void fail(onnx_status with, const char *reason) noexcept {
    status = with;
    try {
      message = reason;
    } catch (...) {
      // Without memory for the message, the status must do.
    }
  }
};

namespace {

void describe(
    onnx::ValueInfoProto &value, const char *name, const int64_t *dimensions, size_t rank) {
  value.set_name(name);
  auto &type = *value.mutable_type()->mutable_tensor_type();
  type.set_elem_type(onnx::TensorProto::FLOAT);
  auto &shape = *type.mutable_shape();
  for (size_t i = 0; i < rank; i++) {
    auto &dimension = *shape.add_dim();
    if (dimensions[i] < 0) dimension.set_dim_param("batch");
    else dimension.set_dim_value(dimensions[i]);
  }
}

void write(const onnx::ModelProto &file, int descriptor) {
  if (file.ByteSizeLong() > ONNX_FILE_BYTE_COUNT_LIMIT)
    throw refusal(ONNX_STATUS_OVER_LIMIT, "the file would be larger than 2 GiB");
  onnx::checker::check_model(file);
  google::protobuf::io::FileOutputStream stream(descriptor);
  if (!file.SerializeToZeroCopyStream(&stream) || !stream.Flush())
    throw refusal(ONNX_STATUS_NOT_WRITTEN, strerror(stream.GetErrno()));
}

}  // namespace

onnx_writer *onnx_writer_open(
    const char *producer, const char *producer_version, const char *graph_name, int64_t ir_version,
    int64_t opset) {
  try {
    auto writer = std::make_unique<onnx_writer>();
    writer->file.set_producer_name(producer);
    writer->file.set_producer_version(producer_version);
    writer->file.set_ir_version(ir_version);
    writer->file.add_opset_import()->set_version(opset);
    writer->graph().set_name(graph_name);
    return writer.release();
  } catch (...) {
    return nullptr;
  }
}

void onnx_writer_close(onnx_writer *writer) { delete writer; }

void onnx_writer_add_metadata(onnx_writer *writer, const char *key, const char *value) {
  writer->run([&] {
    auto &entry = *writer->file.add_metadata_props();
    entry.set_key(key);
    entry.set_value(value);
  });
}

void onnx_writer_add_input(
    onnx_writer *writer, const char *name, const int64_t *dimensions, size_t rank) {
  writer->run([&] { describe(*writer->graph().add_input(), name, dimensions, rank); });
}

void onnx_writer_add_output(
    onnx_writer *writer, const char *name, const int64_t *dimensions, size_t rank) {
  writer->run([&] { describe(*writer->graph().add_output(), name, dimensions, rank); });
}

void onnx_writer_add_initializer(
    onnx_writer *writer, const char *name, int32_t element_type, const int64_t *dimensions,
    size_t rank, const uint8_t *bytes, size_t byte_count) {
  writer->run([&] {
    auto &tensor = *writer->graph().add_initializer();
    tensor.set_name(name);
    tensor.set_data_type(element_type);
    for (size_t i = 0; i < rank; i++) tensor.add_dims(dimensions[i]);
    tensor.set_raw_data(bytes, byte_count);
  });
}

void onnx_writer_begin_node(onnx_writer *writer, const char *name, const char *operation) {
  writer->run([&] {
    auto &node = *writer->graph().add_node();
    node.set_name(name);
    node.set_op_type(operation);
  });
}

void onnx_writer_add_node_input(onnx_writer *writer, const char *name) {
  writer->run([&] { writer->node().add_input(name); });
}

void onnx_writer_add_node_output(onnx_writer *writer, const char *name) {
  writer->run([&] { writer->node().add_output(name); });
}

void onnx_writer_add_node_integer(onnx_writer *writer, const char *attribute, int64_t value) {
  writer->run([&] { writer->attribute(attribute, onnx::AttributeProto::INT).set_i(value); });
}

void onnx_writer_add_node_number(onnx_writer *writer, const char *attribute, float value) {
  writer->run([&] { writer->attribute(attribute, onnx::AttributeProto::FLOAT).set_f(value); });
}

void onnx_writer_add_node_string(
    onnx_writer *writer, const char *attribute, const char *value) {
  writer->run([&] {
    auto &added = *writer->node().add_attribute();
    added.set_name(attribute);
    added.set_type(onnx::AttributeProto::STRING);
    added.set_s(value);
  });
}

void onnx_writer_add_node_integers(
    onnx_writer *writer, const char *attribute, const int64_t *values, size_t count) {
  writer->run([&] {
    auto &list = writer->attribute(attribute, onnx::AttributeProto::INTS);
    for (size_t i = 0; i < count; i++) list.add_ints(values[i]);
  });
}

onnx_status onnx_writer_write(
    onnx_writer *writer, int descriptor, char *message, size_t message_byte_count) {
  writer->run([&] { write(writer->file, descriptor); });
  if (writer->status != ONNX_STATUS_OK)
    write_message(writer->message.c_str(), message, message_byte_count);
  return writer->status;
}
