#include "model.hpp"

namespace {

onnx_string string_of(const std::string &string) { return {string.data(), string.size()}; }

void describe(const onnx::ValueInfoProto &source, onnx_value *value) {
  *value = {};
  value->name = string_of(source.name());
  if (!source.type().has_tensor_type()) return;
  const auto &type = source.type().tensor_type();
  value->element_type = type.elem_type();
  value->has_shape = type.has_shape();
  value->rank = static_cast<size_t>(type.shape().dim_size());
  for (int i = 0; i < type.shape().dim_size(); i++) {
    const auto &dimension = type.shape().dim(i);
    value->dimensions[i] =
        dimension.has_dim_value() && dimension.dim_value() >= 0 ? dimension.dim_value() : -1;
  }
}

void describe(const onnx_model *model, const onnx::TensorProto &source, onnx_tensor *tensor) {
  *tensor = {};
  tensor->name = string_of(source.name());
  tensor->element_type = source.data_type();
  tensor->dimensions = source.dims().data();
  tensor->rank = static_cast<size_t>(source.dims_size());
  tensor->external_length = -1;
  const auto place = model->external.find(&source);
  if (place != model->external.end()) {
    tensor->is_external = true;
    tensor->location = string_of(place->second.location);
    tensor->external_offset = place->second.offset;
    tensor->external_length = place->second.length;
  } else if (source.data_type() != onnx::TensorProto::STRING) {
    tensor->bytes = reinterpret_cast<const uint8_t *>(source.raw_data().data());
    tensor->byte_count = source.raw_data().size();
  }
}

const onnx::NodeProto &node_at(const onnx_model *model, size_t index) {
  return model->file.graph().node(static_cast<int>(index));
}

const onnx::AttributeProto &attribute_at(const onnx_model *model, size_t node, size_t index) {
  return node_at(model, node).attribute(static_cast<int>(index));
}

}  // namespace

int64_t onnx_model_ir_version(const onnx_model *model) { return model->ir_version; }

onnx_string onnx_model_producer(const onnx_model *model) {
  return string_of(model->file.producer_name());
}

onnx_string onnx_model_graph_name(const onnx_model *model) {
  return string_of(model->file.graph().name());
}

int64_t onnx_model_opset(const onnx_model *model) { return model->operator_set; }

size_t onnx_model_metadata_count(const onnx_model *model) {
  return static_cast<size_t>(model->file.metadata_props_size());
}

onnx_string onnx_model_metadata_key(const onnx_model *model, size_t index) {
  return string_of(model->file.metadata_props(static_cast<int>(index)).key());
}

onnx_string onnx_model_metadata_value(const onnx_model *model, size_t index) {
  return string_of(model->file.metadata_props(static_cast<int>(index)).value());
}

size_t onnx_model_input_count(const onnx_model *model) {
  return static_cast<size_t>(model->file.graph().input_size());
}

void onnx_model_input(const onnx_model *model, size_t index, onnx_value *value) {
  describe(model->file.graph().input(static_cast<int>(index)), value);
}

size_t onnx_model_output_count(const onnx_model *model) {
  return static_cast<size_t>(model->file.graph().output_size());
}

void onnx_model_output(const onnx_model *model, size_t index, onnx_value *value) {
  describe(model->file.graph().output(static_cast<int>(index)), value);
}

size_t onnx_model_initializer_count(const onnx_model *model) {
  return static_cast<size_t>(model->file.graph().initializer_size());
}

void onnx_model_initializer(const onnx_model *model, size_t index, onnx_tensor *tensor) {
  describe(model, model->file.graph().initializer(static_cast<int>(index)), tensor);
}

size_t onnx_model_node_count(const onnx_model *model) {
  return static_cast<size_t>(model->file.graph().node_size());
}

void onnx_model_node(const onnx_model *model, size_t index, onnx_node *node) {
  const auto &source = node_at(model, index);
  node->operation = string_of(source.op_type());
  node->domain = string_of(source.domain());
  node->name = string_of(source.name());
  node->input_count = static_cast<size_t>(source.input_size());
  node->output_count = static_cast<size_t>(source.output_size());
  node->attribute_count = static_cast<size_t>(source.attribute_size());
}

onnx_string onnx_model_node_input(const onnx_model *model, size_t node, size_t index) {
  return string_of(node_at(model, node).input(static_cast<int>(index)));
}

onnx_string onnx_model_node_output(const onnx_model *model, size_t node, size_t index) {
  return string_of(node_at(model, node).output(static_cast<int>(index)));
}

void onnx_model_node_attribute(
    const onnx_model *model, size_t node, size_t index, onnx_attribute *attribute) {
  const auto &source = attribute_at(model, node, index);
  *attribute = {};
  attribute->name = string_of(source.name());
  switch (source.type()) {
    case onnx::AttributeProto::INT:
      attribute->kind = ONNX_ATTRIBUTE_INT;
      attribute->integer = source.i();
      break;
    case onnx::AttributeProto::FLOAT:
      attribute->kind = ONNX_ATTRIBUTE_FLOAT;
      attribute->number = source.f();
      break;
    case onnx::AttributeProto::STRING:
      attribute->kind = ONNX_ATTRIBUTE_STRING;
      attribute->string = string_of(source.s());
      break;
    case onnx::AttributeProto::INTS:
      attribute->kind = ONNX_ATTRIBUTE_INTS;
      attribute->integers = source.ints().data();
      attribute->count = static_cast<size_t>(source.ints_size());
      break;
    case onnx::AttributeProto::FLOATS:
      attribute->kind = ONNX_ATTRIBUTE_FLOATS;
      attribute->numbers = source.floats().data();
      attribute->count = static_cast<size_t>(source.floats_size());
      break;
    case onnx::AttributeProto::STRINGS:
      attribute->kind = ONNX_ATTRIBUTE_STRINGS;
      attribute->count = static_cast<size_t>(source.strings_size());
      break;
    // The reader leaves no other kind.
    default: attribute->kind = ONNX_ATTRIBUTE_TENSOR; break;
  }
}

onnx_string onnx_model_node_attribute_string(
    const onnx_model *model, size_t node, size_t attribute, size_t index) {
  return string_of(attribute_at(model, node, attribute).strings(static_cast<int>(index)));
}

void onnx_model_node_attribute_tensor(
    const onnx_model *model, size_t node, size_t attribute, onnx_tensor *tensor) {
  describe(model, attribute_at(model, node, attribute).t(), tensor);
}
