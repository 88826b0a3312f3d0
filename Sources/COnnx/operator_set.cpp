// Translation of operator sets 18 and later to set 17, the last that libonnx 1.12 knows: for its
// checker, and so that no later code needs to know two forms of the same operator. Source: the
// changed schemas of onnx 1.23 (https://github.com/onnx/onnx/blob/main/docs/Changelog.md). The
// later sets also add element types, which are refused with the tensor that has them.

#include <onnx/defs/schema.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <vector>

#include "model.hpp"

namespace {

constexpr int64_t checked_set = 17;

[[noreturn]] void refuse(const onnx::NodeProto &node, const std::string &reason) {
  throw refusal(
      ONNX_STATUS_UNSUPPORTED,
      "node \"" + name_of(node) + "\" (" + node.op_type() + "): " + reason);
}

/// Removes the attribute of that name from the node and returns it.
std::optional<onnx::AttributeProto> taken(onnx::NodeProto &node, const char *name) {
  auto &attributes = *node.mutable_attribute();
  for (int index = 0; index < attributes.size(); index++) {
    if (attributes[index].name() != name) continue;
    onnx::AttributeProto attribute = attributes[index];
    attributes.DeleteSubrange(index, 1);
    return attribute;
  }
  return std::nullopt;
}

/// Removes an attribute that set 17 does not have, and refuses any value other than the one with
/// the meaning of set 17.
void drop(onnx::NodeProto &node, const char *name, int64_t neutral) {
  const auto attribute = taken(node, name);
  if (attribute && attribute->i() != neutral)
    refuse(
        node, "attribute \"" + std::string(name) + "\" is " + std::to_string(attribute->i()) +
                  ", only " + std::to_string(neutral) + " is supported");
}

/// Short lists of integers that a graph holds as constants, by name.
class constants {
 public:
  explicit constants(const onnx_model &model) : model(model) {
    for (const auto &tensor : model.file.graph().initializer()) tensors[tensor.name()] = &tensor;
    for (const auto &node : model.file.graph().node()) {
      if (node.op_type() != "Constant" || !is_own(node.domain()) || node.output_size() != 1)
        continue;
      for (const auto &attribute : node.attribute()) {
        if (attribute.name() == "value") tensors[node.output(0)] = &attribute.t();
        if (attribute.name() == "value_int" || attribute.name() == "value_ints")
          lists[node.output(0)] = &attribute;
      }
    }
  }

  /// Numbers kept of a longer list, one more than a tensor may have dimensions: many nodes may name
  /// a long one.
  std::optional<std::vector<int64_t>> find(const std::string &name) const {
    if (const auto list = lists.find(name); list != lists.end()) {
      if (list->second->name() == "value_int") return {{list->second->i()}};
      return beginning(list->second->ints());
    }
    const auto found = tensors.find(name);
    if (found == tensors.end()) return std::nullopt;
    const onnx::TensorProto &tensor = *found->second;
    if (tensor.data_type() != onnx::TensorProto::INT64 || model.external.count(&tensor) > 0)
      return std::nullopt;
    if (!tensor.has_raw_data()) return beginning(tensor.int64_data());
    const std::string &bytes = tensor.raw_data();
    std::vector<int64_t> numbers(std::min(bytes.size() / sizeof(int64_t), length_limit));
    // An empty list has no address to copy to.
    if (!numbers.empty())
      memcpy(numbers.data(), bytes.data(), numbers.size() * sizeof(int64_t));
    return numbers;
  }

 private:
  static constexpr size_t length_limit = ONNX_RANK_LIMIT + 1;

  template <typename Field>
  static std::vector<int64_t> beginning(const Field &numbers) {
    const auto length = std::min(static_cast<size_t>(numbers.size()), length_limit);
    return {numbers.begin(), numbers.begin() + static_cast<ptrdiff_t>(length)};
  }

  const onnx_model &model;
  std::unordered_map<std::string, const onnx::TensorProto *> tensors;
  std::unordered_map<std::string, const onnx::AttributeProto *> lists;
};

/// Reads the axes of a reduction, which in set 18 are an input. Returns whether they are computed, so
/// that the node stays as it is.
bool lower_reduction(onnx::NodeProto &node, const constants &constants) {
  if (taken(node, "axes")) refuse(node, "axes is an attribute, which set 18 does not have");
  if (node.input_size() > 1 && !node.input(1).empty() && !constants.find(node.input(1))) return true;
  const auto empties = taken(node, "noop_with_empty_axes");
  std::vector<int64_t> axes;
  if (node.input_size() > 1) {
    if (!node.input(1).empty()) axes = *constants.find(node.input(1));
    node.mutable_input()->RemoveLast();
  }
  if (axes.size() > ONNX_RANK_LIMIT) refuse(node, "too many axes");
  if (!axes.empty()) {
    onnx::AttributeProto &attribute = *node.add_attribute();
    attribute.set_name("axes");
    attribute.set_type(onnx::AttributeProto::INTS);
    for (const int64_t axis : axes) attribute.add_ints(axis);
  } else if (empties && empties->i() != 0) {
    // Others are a function of each number then.
    const std::string &operation = node.op_type();
    if (operation != "ReduceMax" && operation != "ReduceMean" && operation != "ReduceMin" &&
        operation != "ReduceProd")
      refuse(node, "no axes, and noop_with_empty_axes");
    node.set_op_type("Identity");
    node.clear_attribute();
  }
  return false;
}

/// Returns whether the node has inputs or attributes that set 17 does not have, which stay.
bool lower(onnx::NodeProto &node, const constants &constants) {
  const std::string operation = node.op_type();
  if (operation.rfind("Reduce", 0) == 0 && operation != "ReduceSum") {
    return lower_reduction(node, constants);
  } else if (operation == "Split") {
    for (const auto &attribute : node.attribute()) {
      if (attribute.name() != "num_outputs") continue;
      if (attribute.i() != node.output_size())
        refuse(node, "num_outputs does not match the number of its outputs");
      // It allows a smaller last part.
      return true;
    }
  } else if (operation == "Pad") {
    if (node.input_size() > 3) {
      if (!node.input(3).empty()) return true;
      node.mutable_input()->RemoveLast();
    }
  } else if (operation == "AveragePool") {
    const auto dilations = taken(node, "dilations");
    if (dilations)
      for (const int64_t dilation : dilations->ints())
        if (dilation != 1) refuse(node, "dilations of an average pool are not supported");
  } else if (operation == "Resize") {
    drop(node, "antialias", 0);
    return std::any_of(
        node.attribute().begin(), node.attribute().end(), [](const onnx::AttributeProto &attribute) {
          return attribute.name() == "axes" || attribute.name() == "keep_aspect_ratio_policy";
        });
  } else if (operation == "Cast") {
    // Both are for element types that are not supported.
    taken(node, "saturate");
    taken(node, "round_mode");
  } else if (operation == "QuantizeLinear" || operation == "DequantizeLinear") {
    taken(node, "saturate");
    drop(node, "block_size", 0);
    drop(node, "precision", 0);
    // With a zero point, its type is that of the output.
    if (operation == "QuantizeLinear" && node.input_size() > 2) taken(node, "output_dtype");
    else drop(node, "output_dtype", 0);
  }
  return false;
}

/// Domain in which the checker, to which it says nothing, passes operators, inputs and attributes that
/// set 17 does not have.
/// Whoever runs or translates the graph checks their inputs and attributes.
constexpr const char *later_domain = "resnetd.later";

bool is_later(const std::string &operation, int64_t version) {
  if (operation == "GroupNormalization" || operation == "Mish") return version >= 18;
  return (operation == "Gelu" && version >= 20) || (operation == "Swish" && version >= 24);
}

}  // namespace

void restore_later_operators(onnx_model &model) {
  for (auto *node : model.later) node->clear_domain();
  model.later.clear();
}

void lower_operator_set(onnx_model &model) {
  onnx::ModelProto &file = model.file;
  bool has_set = false;
  int64_t version = 0;
  for (auto &imported : *file.mutable_opset_import()) {
    // Nodes of other domains are missing operators, which the code that runs or translates the
    // graph reports.
    if (!is_own(imported.domain())) continue;
    if (has_set && version != imported.version())
      throw refusal(ONNX_STATUS_INVALID, "the file declares two versions of ONNX's operators");
    has_set = true;
    version = imported.version();
    if (version < ONNX_OPSET_MINIMUM || version > ONNX_OPSET_LIMIT)
      throw refusal(
          ONNX_STATUS_UNSUPPORTED,
          "operator set " + std::to_string(version) + "; export it with one from " +
              std::to_string(ONNX_OPSET_MINIMUM) + " to " + std::to_string(ONNX_OPSET_LIMIT));
    model.operator_set = std::min(version, checked_set);
    imported.set_version(model.operator_set);
  }
  if (!has_set) {
    throw refusal(
        ONNX_STATUS_INVALID, "the file does not declare a version of ONNX's operators");
  }
  auto &nodes = *file.mutable_graph()->mutable_node();
  if (version > checked_set) {
    const constants constants(model);
    for (auto &node : nodes) {
      if (!is_own(node.domain())) continue;
      const bool keeps = lower(node, constants);
      if (!keeps && !is_later(node.op_type(), version)) continue;
      node.set_domain(later_domain);
      model.later.push_back(&node);
    }
    if (!model.later.empty()) {
      auto &imported = *file.add_opset_import();
      imported.set_domain(later_domain);
      imported.set_version(1);
    }
  }
  for (const auto &node : nodes)
    if (is_own(node.domain()) &&
        onnx::OpSchemaRegistry::Schema(node.op_type(), int{checked_set}, "") == nullptr)
      throw refusal(
          ONNX_STATUS_UNSUPPORTED,
          "node \"" + name_of(node) + "\": operator " + node.op_type() + " is not supported");
}
