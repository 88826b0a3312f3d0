#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/stubs/logging.h>
#include <onnx/checker.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <mutex>
#include <new>

#include "model.hpp"

namespace {

/// Latest revision that libonnx 1.12's checker knows. Files of later ones are presented to it as
/// this one.
constexpr int64_t checker_ir_version = 8;

void parse(onnx::ModelProto &file, const uint8_t *bytes, size_t byte_count) {
  // protobuf would write its errors to standard error.
  static std::once_flag silenced;
  std::call_once(silenced, [] { google::protobuf::SetLogHandler(nullptr); });

  google::protobuf::io::CodedInputStream stream(bytes, static_cast<int>(byte_count));
  stream.SetTotalBytesLimit(ONNX_FILE_BYTE_COUNT_LIMIT);
  stream.SetRecursionLimit(ONNX_NESTING_LIMIT);
  if (!file.ParseFromCodedStream(&stream) || !stream.ConsumedEntireMessage())
    throw refusal(
        ONNX_STATUS_INVALID, "the file is truncated or not an ONNX model: fetch or export it again");
}

void prepare_attribute(
    onnx_model &model, const onnx::NodeProto &node, onnx::AttributeProto &attribute) {
  const std::string place =
      "node \"" + name_of(node) + "\" (" + node.op_type() + "), attribute \"" +
                            attribute.name() + "\"";
  switch (attribute.type()) {
    case onnx::AttributeProto::INT:
    case onnx::AttributeProto::FLOAT:
    case onnx::AttributeProto::STRING:
    case onnx::AttributeProto::INTS:
    case onnx::AttributeProto::FLOATS:
    case onnx::AttributeProto::STRINGS: break;
    case onnx::AttributeProto::TENSOR:
      if (!attribute.has_t()) throw refusal(ONNX_STATUS_INVALID, place + " has no tensor");
      break;
    default: throw refusal(ONNX_STATUS_UNSUPPORTED, place + " is of an unsupported kind");
  }
  // Whatever the kind, the checker looks at every field that is set.
  if (attribute.has_t()) prepare_tensor(model, *attribute.mutable_t());
}

void prepare(onnx_model &model) {
  onnx::ModelProto &file = model.file;
  if (!file.has_graph()) throw refusal(ONNX_STATUS_INVALID, "the file has no graph");

  model.ir_version = file.ir_version();
  if (model.ir_version > ONNX_IR_VERSION_LIMIT)
    throw refusal(
        ONNX_STATUS_UNSUPPORTED,
        "revision " + std::to_string(model.ir_version) + " of the file format");
  file.set_ir_version(std::min(model.ir_version, checker_ir_version));

  resolve_branches(model);
  onnx::GraphProto &graph = *file.mutable_graph();
  for (auto &tensor : *graph.mutable_initializer()) prepare_tensor(model, tensor);
  for (auto &node : *graph.mutable_node())
    for (auto &attribute : *node.mutable_attribute()) prepare_attribute(model, node, attribute);
  for (const auto *values : {&graph.input(), &graph.output()})
    for (const auto &value : *values)
      if (value.type().tensor_type().shape().dim_size() > ONNX_RANK_LIMIT)
        throw refusal(
            ONNX_STATUS_OVER_LIMIT, "\"" + value.name() + "\" has too many dimensions");
}

/// Turns constant nodes whose tensors lie outside the file into initialisers, where such tensors
/// are looked for.
void move_external_constants(onnx_model &model) {
  onnx::GraphProto &graph = *model.file.mutable_graph();
  auto &nodes = *graph.mutable_node();
  const auto is_moved = [&](onnx::NodeProto &node) {
    if (node.op_type() != "Constant" || !is_own(node.domain()) || node.output_size() != 1 ||
        node.attribute_size() != 1 || !node.attribute(0).has_t())
      return false;
    onnx::TensorProto &value = *node.mutable_attribute(0)->mutable_t();
    const auto place = model.external.find(&value);
    if (place == model.external.end()) return false;
    onnx::TensorProto &tensor = *graph.add_initializer();
    model.external[&tensor] = place->second;
    tensor.Swap(&value);
    tensor.set_name(node.output(0));
    return true;
  };
  nodes.erase(std::remove_if(nodes.begin(), nodes.end(), is_moved), nodes.end());
}

void normalize(onnx_model &model) {
  move_external_constants(model);
  onnx::GraphProto &graph = *model.file.mutable_graph();
  for (auto &tensor : *graph.mutable_initializer()) normalize_tensor(model, tensor);
  for (auto &node : *graph.mutable_node())
    for (auto &attribute : *node.mutable_attribute())
      if (attribute.has_t()) normalize_tensor(model, *attribute.mutable_t());
}

/// Gives outputs that leave their shape open, as the format allows and the checker does not, one for as
/// long as it lives.
class open_shapes {
 public:
  explicit open_shapes(onnx_model &model) {
    for (auto &output : *model.file.mutable_graph()->mutable_output()) {
      if (!output.type().has_tensor_type() || output.type().tensor_type().has_shape()) continue;
      onnx::TypeProto_Tensor &type = *output.mutable_type()->mutable_tensor_type();
      type.mutable_shape();
      types.push_back(&type);
    }
  }
  ~open_shapes() {
    for (onnx::TypeProto_Tensor *type : types) type->clear_shape();
  }
  open_shapes(const open_shapes &) = delete;
  open_shapes &operator=(const open_shapes &) = delete;

 private:
  std::vector<onnx::TypeProto_Tensor *> types;
};

void check(onnx_model &model) {
  const open_shapes shapes(model);
  onnx::checker::check_model(model.file);
}

}  // namespace

void write_message(const char *string, char *message, size_t byte_count) {
  if (byte_count == 0) return;
  const size_t length = std::min(strlen(string), byte_count - 1);
  memcpy(message, string, length);
  message[length] = 0;
  // The checker breaks lines for its context; a log wants one line.
  std::replace(message, message + length, '\n', ' ');
}

onnx_status onnx_model_read(
    const uint8_t *bytes, size_t byte_count, onnx_model **model, char *message,
    size_t message_byte_count) {
  *model = nullptr;
  try {
    if (byte_count > ONNX_FILE_BYTE_COUNT_LIMIT)
      throw refusal(ONNX_STATUS_OVER_LIMIT, "the file is larger than 2 GiB");
    survey_file(bytes, byte_count);
    auto reading = std::make_unique<onnx_model>();
    parse(reading->file, bytes, byte_count);
    prepare(*reading);
    lower_operator_set(*reading);
    check(*reading);
    restore_later_operators(*reading);
    normalize(*reading);
    *model = reading.release();
    return ONNX_STATUS_OK;
  } catch (const refusal &error) {
    write_message(error.what(), message, message_byte_count);
    return error.status;
  } catch (const std::bad_alloc &) {
    write_message("out of memory", message, message_byte_count);
    return ONNX_STATUS_OUT_OF_MEMORY;
  } catch (const std::exception &error) {
    write_message(error.what(), message, message_byte_count);
    return ONNX_STATUS_INVALID;
  } catch (...) {
    write_message("the file cannot be checked", message, message_byte_count);
    return ONNX_STATUS_INVALID;
  }
}

void onnx_model_close(onnx_model *model) { delete model; }
