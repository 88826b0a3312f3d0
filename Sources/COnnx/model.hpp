#pragma once

#include <onnx/onnx_pb.h>

#include <stdexcept>
#include <string>
#include <unordered_map>

#include "COnnx.h"

/// Why a file is refused.
class refusal : public std::runtime_error {
 public:
  refusal(onnx_status status, const std::string &message)
      : std::runtime_error(message), status(status) {}

  const onnx_status status;
};

/// Where a tensor's bytes lie outside the file.
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
};

/// What a message calls a node: one without a name goes by its first output.
inline std::string name_of(const onnx::NodeProto &node) {
  return node.name().empty() && node.output_size() > 0 ? node.output(0) : node.name();
}

/// Whether an operator of that domain is one of ONNX's own.
inline bool is_own(const std::string &domain) { return domain.empty() || domain == "ai.onnx"; }

/// Throws where the file holds more than the limits allow, or what is not read at all; allocates
/// nothing.
void survey_file(const uint8_t *bytes, size_t byte_count);

/// Checks type and shape, takes the place of external data out of the message, so that nobody after
/// this function can open it.
void prepare_tensor(onnx_model &model, onnx::TensorProto &tensor);

/// Says what operator sets behind 17 say as set 17 does, so that the file is one of set 17. Throws for
/// sets and operators that are not known. After `prepare_tensor`, before the checker.
void lower_operator_set(onnx_model &model);

/// Moves the numbers of typed fields to `raw_data`, little endian. After the checker.
void normalize_tensor(const onnx_model &model, onnx::TensorProto &tensor);

/// Puts as much of a text as fits, in one line and terminated, into a caller's buffer.
void write_message(const char *text, char *message, size_t byte_count);
