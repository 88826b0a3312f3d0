#pragma once

#include <onnx/onnx_pb.h>

#include <stdexcept>
#include <string>
#include <unordered_map>
#include <vector>

#include "COnnx.h"

/// Reason why a file is refused.
class refusal : public std::runtime_error {
 public:
  refusal(onnx_status status, const std::string &message)
      : std::runtime_error(message), status(status) {}

  const onnx_status status;
};

/// Place of a tensor's bytes outside the file.
struct external_place {
  std::string location;
  int64_t offset = 0;
  int64_t length = -1;
};

struct onnx_model {
  onnx::ModelProto file;
  int64_t ir_version = 0;
  int64_t operator_set = 0;
  std::unordered_map<const onnx::TensorProto *, external_place> external;
  /// Nodes whose operators the checker does not know, until it has run.
  std::vector<onnx::NodeProto *> later;
};

/// Returns a node's name for messages: its own, else its first output.
inline std::string name_of(const onnx::NodeProto &node) {
  return node.name().empty() && node.output_size() > 0 ? node.output(0) : node.name();
}

/// Tells whether a domain is that of ONNX's own operators.
inline bool is_own(const std::string &domain) { return domain.empty() || domain == "ai.onnx"; }

/// Throws if the file exceeds the limits or holds something that is not supported; allocates
/// nothing.
void survey_file(const uint8_t *bytes, size_t byte_count);

/// Replaces conditionals that are a squeeze of a dimension of 1, and refuses all other subgraphs. Called
/// before `prepare_tensor`.
void resolve_branches(onnx_model &model);

/// Checks type and shape, and moves the place of external data out of the message, so that nothing
/// after this function can open it.
void prepare_tensor(onnx_model &model, onnx::TensorProto &tensor);

/// Translates operator sets after 17 to set 17. Throws for unknown sets and operators. Called after
/// `prepare_tensor` and before the checker.
void lower_operator_set(onnx_model &model);

/// Gives operators that came after set 17 their domain again. Called after the checker.
void restore_later_operators(onnx_model &model);

/// Moves the numbers of typed fields to `raw_data`, little-endian. Called after the checker.
void normalize_tensor(const onnx_model &model, onnx::TensorProto &tensor);

/// Writes as much of a string as fits, in one line and terminated, to a caller's buffer.
void write_message(const char *string, char *message, size_t byte_count);
