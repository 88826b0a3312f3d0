// Walk over protobuf's wire format (https://protobuf.dev/programming-guides/encoding) that builds
// nothing. An empty message takes two bytes in a file and more than a hundred in memory, a small
// number one and eight: so both are counted before protobuf makes objects of them.

#include "model.hpp"

namespace {

enum wire_type : uint32_t { varint = 0, fixed64 = 1, delimited = 2, fixed32 = 5 };

/// Content of a length-delimited field, by its cost.
enum class content {
  /// A string, raw numbers, or a field that onnx.proto does not have.
  bytes,
  /// A packed list of numbers.
  numbers,
  /// Content that is not supported at all.
  refused,
  model,
  graph,
  node,
  attribute,
  /// Graph of a conditional, its nodes and their attributes, which hold no further graphs.
  branch,
  branch_node,
  branch_attribute,
  tensor,
  value,
  type,
  /// A sequence, as classifiers of scikit-learn give: of tensors, or of maps to numbers.
  sequence,
  /// Type of a sequence's elements.
  element,
  map,
  /// Type of a map's values.
  mapped,
  tensor_type,
  shape,
  annotation,
  /// A message that holds no other message.
  leaf,
};

/// Fields by the numbers of onnx.proto.
content content_of(content message, uint64_t field) {
  switch (message) {
    case content::model:
      if (field == 7) return content::graph;
      if (field == 8 || field == 14) return content::leaf;
      // Training steps and functions.
      return field == 20 || field == 25 ? content::refused : content::bytes;
    case content::graph:
    case content::branch:
      if (field == 1) return message == content::graph ? content::node : content::branch_node;
      if (field == 5) return content::tensor;
      if (field >= 11 && field <= 13) return content::value;
      if (field == 14) return content::annotation;
      // Sparse tensors.
      return field == 15 ? content::refused : content::bytes;
    case content::node:
      return field == 5 ? content::attribute : content::bytes;
    case content::branch_node:
      return field == 5 ? content::branch_attribute : content::bytes;
    case content::attribute:
    case content::branch_attribute:
      if (field == 6 && message == content::attribute) return content::branch;
      if (field == 5) return content::tensor;
      if (field == 7 || field == 8) return content::numbers;
      // Subgraphs in subgraphs, lists of tensors, of graphs, types and sparse tensors.
      return field == 6 || field == 10 || field == 11 || field == 14 || field == 15 ||
                     field == 22 || field == 23
                 ? content::refused
                 : content::bytes;
    case content::tensor:
      if (field == 3 || field == 13) return content::leaf;
      return field == 1 || field == 5 || field == 7 || field == 11 ? content::numbers
                                                                    : content::bytes;
    case content::value: return field == 2 ? content::type : content::bytes;
    case content::type:
      if (field == 1) return content::tensor_type;
      if (field == 4) return content::sequence;
      // Maps alone, opaque, sparse and optional values.
      return field == 5 || (field >= 7 && field <= 9) ? content::refused : content::bytes;
    // By kinds of their own, so that types do not nest without end.
    case content::sequence: return field == 1 ? content::element : content::refused;
    case content::element:
      if (field == 1) return content::tensor_type;
      return field == 5 ? content::map : content::refused;
    case content::map: return field == 2 ? content::mapped : content::refused;
    case content::mapped: return field == 1 ? content::tensor_type : content::refused;
    case content::tensor_type: return field == 2 ? content::shape : content::bytes;
    case content::shape: return field == 1 ? content::leaf : content::bytes;
    case content::annotation: return field == 2 ? content::leaf : content::bytes;
    default: return content::bytes;
  }
}

const char *refused_in(content message) {
  switch (message) {
    case content::attribute:
    case content::branch_attribute: return "subgraphs and other rare kinds of attributes";
    case content::type:
    case content::sequence:
    case content::element:
    case content::map:
    case content::mapped: return "values that are not dense tensors";
    case content::graph:
    case content::branch: return "sparse tensors";
    default: return "functions and training steps";
  }
}

/// Recurses as deep as the messages above nest, which is bounded: none holds its own kind.
class surveyor {
 public:
  void walk(const uint8_t *at, const uint8_t *end, content message) {
    while (at < end) {
      const uint64_t tag = number(at, end);
      switch (tag & 7) {
        case varint:
          number(at, end);
          count_numbers(1);
          break;
        case fixed64:
          skip(at, end, 8);
          count_numbers(1);
          break;
        case fixed32:
          skip(at, end, 4);
          count_numbers(1);
          break;
        case delimited: {
          const uint64_t count = number(at, end);
          const uint8_t *start = at;
          skip(at, end, count);
          visit(start, at, message, tag >> 3);
          break;
        }
        default: throw refusal(ONNX_STATUS_INVALID, "the file is not an ONNX model");
      }
    }
  }

 private:
  uint64_t part_count = 0;
  uint64_t number_count = 0;

  void visit(const uint8_t *at, const uint8_t *end, content message, uint64_t field) {
    // Plain bytes count as well: protobuf keeps unknown fields.
    if (++part_count > ONNX_PART_LIMIT)
      throw refusal(
          ONNX_STATUS_OVER_LIMIT, "the file has more nodes, attributes and the like than allowed");
    const content inner = content_of(message, field);
    if (inner == content::bytes) return;
    if (inner == content::numbers) {
      // Every number of a packed list ends with a byte below 128.
      uint64_t count = 0;
      for (; at < end; at++) count += *at < 0x80;
      return count_numbers(count);
    }
    if (inner == content::refused)
      throw refusal(ONNX_STATUS_UNSUPPORTED, refused_in(message));
    walk(at, end, inner);
  }

  void count_numbers(uint64_t count) {
    number_count += count;
    if (number_count > ONNX_NUMBER_LIMIT)
      throw refusal(
          ONNX_STATUS_OVER_LIMIT,
          "the file has more numbers outside raw tensor bytes than allowed");
  }

  static uint64_t number(const uint8_t *&at, const uint8_t *end) {
    uint64_t value = 0;
    for (int shift = 0; shift < 70 && at < end; shift += 7) {
      const uint8_t byte = *at++;
      if (shift < 64) value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw refusal(
        ONNX_STATUS_INVALID, "the file is truncated or not an ONNX model: fetch or export it again");
  }

  static void skip(const uint8_t *&at, const uint8_t *end, uint64_t count) {
    if (count > static_cast<uint64_t>(end - at))
      throw refusal(
        ONNX_STATUS_INVALID, "the file is truncated or not an ONNX model: fetch or export it again");
    at += count;
  }
};

}  // namespace

void survey_file(const uint8_t *bytes, size_t byte_count) {
  surveyor().walk(bytes, bytes + byte_count, content::model);
}
