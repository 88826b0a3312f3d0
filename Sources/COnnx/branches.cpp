// PyTorch's older exporter writes `x.squeeze(axis)` of a tensor whose shape it does not know as
//
//     If(Equal(Gather(Shape(x), axis), 1))  then  Squeeze(x, axis)  else  Identity(x)
//
// That is a Squeeze where the dimension is 1, which whoever runs or translates the graph knows. No
// other subgraph is supported.

#include <optional>
#include <unordered_set>

#include "model.hpp"

namespace {

using makers = std::unordered_map<std::string, const onnx::NodeProto *>;

/// What a graph says of its tensors.
struct known {
  makers nodes;
  std::unordered_map<std::string, const onnx::TensorProto *> tensors;

  explicit known(const onnx::GraphProto &graph) {
    for (const auto &tensor : graph.initializer()) tensors[tensor.name()] = &tensor;
    for (const auto &node : graph.node()) {
      if (!is_own(node.domain()) || node.output_size() != 1) continue;
      nodes[node.output(0)] = &node;
      if (node.op_type() == "Constant" && node.attribute_size() == 1 && node.attribute(0).has_t())
        tensors[node.output(0)] = &node.attribute(0).t();
    }
  }

  const onnx::NodeProto *maker(const std::string &name, const char *operation) const {
    const auto found = nodes.find(name);
    return found != nodes.end() && found->second->op_type() == operation ? found->second : nullptr;
  }
};

/// Returns the number of a constant that has one whole number.
std::optional<int64_t> number_in(const onnx::TensorProto &tensor) {
  if (tensor.data_type() != onnx::TensorProto::INT64 || tensor.dims_size() > 1 ||
      (tensor.dims_size() == 1 && tensor.dims(0) != 1))
    return std::nullopt;
  if (tensor.int64_data_size() == 1 && !tensor.has_raw_data()) return tensor.int64_data(0);
  if (tensor.raw_data().size() != sizeof(int64_t)) return std::nullopt;
  uint64_t value = 0;
  for (size_t index = sizeof value; index-- > 0;)
    value = value << 8 | static_cast<uint8_t>(tensor.raw_data()[index]);
  return static_cast<int64_t>(value);
}

std::optional<int64_t> number(const known &graph, const std::string &name) {
  const auto found = graph.tensors.find(name);
  return found == graph.tensors.end() ? std::nullopt : number_in(*found->second);
}

/// Returns the axis of `Equal(Gather(Shape(x), axis), 1)`.
std::optional<int64_t> asked_axis(
    const known &graph, const std::string &condition, const std::string &x) {
  const auto *equal = graph.maker(condition, "Equal");
  if (equal == nullptr || equal->input_size() != 2) return std::nullopt;
  for (const int side : {0, 1}) {
    if (number(graph, equal->input(1 - side)) != 1) continue;
    const auto *gather = graph.maker(equal->input(side), "Gather");
    if (gather == nullptr || gather->input_size() != 2) continue;
    const bool is_first = gather->attribute_size() == 0 ||
                          (gather->attribute_size() == 1 && gather->attribute(0).i() == 0);
    const auto *shape = graph.maker(gather->input(0), "Shape");
    if (shape == nullptr || shape->attribute_size() > 0 || shape->input_size() != 1 ||
        shape->input(0) != x || !is_first)
      continue;
    return number(graph, gather->input(1));
  }
  return std::nullopt;
}

const onnx::GraphProto *branch(const onnx::NodeProto &node, const char *name) {
  for (const auto &attribute : node.attribute())
    if (attribute.name() == name && attribute.has_g()) return &attribute.g();
  return nullptr;
}

/// A squeeze in a branch.
struct squeeze {
  const onnx::NodeProto *node;
  /// Its axes, if they are a constant of the branch; else they are an attribute.
  const onnx::TensorProto *axes;
};

/// Returns the only squeeze of a branch of nothing else.
std::optional<squeeze> squeeze_of(const onnx::GraphProto &graph) {
  const int count = graph.node_size();
  if (count < 1 || count > 2 || graph.input_size() > 0 || graph.initializer_size() > 0 ||
      graph.output_size() != 1)
    return std::nullopt;
  const onnx::NodeProto &node = graph.node(count - 1);
  if (node.op_type() != "Squeeze" || !is_own(node.domain()) || node.output_size() != 1 ||
      node.output(0) != graph.output(0).name() || node.input_size() != count)
    return std::nullopt;
  if (count == 1) return squeeze{&node, nullptr};
  const onnx::NodeProto &axes = graph.node(0);
  if (axes.op_type() != "Constant" || !is_own(axes.domain()) || axes.output_size() != 1 ||
      axes.output(0) != node.input(1) || axes.output(0) == node.input(0) ||
      axes.attribute_size() != 1 || !axes.attribute(0).has_t() || node.attribute_size() > 0)
    return std::nullopt;
  return squeeze{&node, &axes.attribute(0).t()};
}

std::optional<int64_t> axis_of(const squeeze &squeeze) {
  if (squeeze.axes != nullptr) return number_in(*squeeze.axes);
  if (squeeze.node->attribute_size() != 1) return std::nullopt;
  const auto &axes = squeeze.node->attribute(0);
  if (axes.name() != "axes" || axes.ints_size() != 1) return std::nullopt;
  return axes.ints(0);
}

bool is_identity_of(const std::string &x, const onnx::GraphProto &graph) {
  if (graph.node_size() != 1 || graph.input_size() > 0 || graph.initializer_size() > 0 ||
      graph.output_size() != 1)
    return false;
  const onnx::NodeProto &node = graph.node(0);
  return node.op_type() == "Identity" && is_own(node.domain()) && node.input_size() == 1 &&
         node.input(0) == x && node.output_size() == 1 &&
         node.output(0) == graph.output(0).name();
}

/// Returns the squeeze that a conditional is; nothing for others.
std::optional<squeeze> squeeze_of(const known &graph, const onnx::NodeProto &node) {
  const auto *taken = branch(node, "then_branch"), *other = branch(node, "else_branch");
  if (node.op_type() != "If" || !is_own(node.domain()) || node.input_size() != 1 ||
      node.output_size() != 1 || node.attribute_size() != 2 || taken == nullptr ||
      other == nullptr)
    return std::nullopt;
  const auto found = squeeze_of(*taken);
  if (!found || !is_identity_of(found->node->input(0), *other)) return std::nullopt;
  const auto axis = axis_of(*found);
  if (!axis || asked_axis(graph, node.input(0), found->node->input(0)) != axis)
    return std::nullopt;
  return found;
}

bool has_branches(const onnx::NodeProto &node) {
  for (const auto &attribute : node.attribute())
    if (attribute.has_g()) return true;
  return false;
}

/// Removes comparisons that nothing reads any more.
void remove_questions(
    onnx::GraphProto &graph, const std::unordered_set<std::string> &questions) {
  std::unordered_set<std::string> read;
  for (const auto &node : graph.node())
    for (const auto &name : node.input()) read.insert(name);
  for (const auto &value : graph.output()) read.insert(value.name());
  auto &nodes = *graph.mutable_node();
  int kept = 0;
  for (int index = 0; index < nodes.size(); index++) {
    const auto &node = nodes[index];
    const bool is_idle = node.op_type() == "Equal" && node.output_size() == 1 &&
                         questions.count(node.output(0)) > 0 && read.count(node.output(0)) == 0;
    if (is_idle) continue;
    if (kept < index) nodes.SwapElements(kept, index);
    kept++;
  }
  nodes.DeleteSubrange(kept, nodes.size() - kept);
}

}  // namespace

void resolve_branches(onnx_model &model) {
  onnx::GraphProto &graph = *model.file.mutable_graph();
  std::optional<known> facts;
  std::unordered_set<std::string> questions;
  for (int index = 0; index < graph.node_size(); index++) {
    onnx::NodeProto &node = *graph.mutable_node(index);
    if (!has_branches(node)) continue;
    // No node that it knows is replaced but conditionals, whose results it does not look at.
    if (!facts) facts.emplace(graph);
    const auto found = squeeze_of(*facts, node);
    if (!found)
      throw refusal(
          ONNX_STATUS_UNSUPPORTED,
          "node \"" + name_of(node) + "\" (" + node.op_type() +
              "): subgraphs, but for a squeeze where a dimension is 1; export the network with "
              "fixed shapes, or with dynamo=True");
    questions.insert(node.input(0));
    onnx::NodeProto made = *found->node;
    made.set_name(node.name());
    made.set_output(0, node.output(0));
    if (found->axes != nullptr) {
      made.set_input(1, node.output(0) + ".axes");
      onnx::TensorProto &axes = *graph.add_initializer();
      axes = *found->axes;
      axes.set_name(made.input(1));
    }
    node = made;
  }
  if (!questions.empty()) remove_questions(graph, questions);
}
