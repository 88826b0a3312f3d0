#include <cstring>
#include <limits>

#include "model.hpp"

namespace {

std::string described(const onnx::TensorProto &tensor) {
  return "tensor \"" + tensor.name() + "\"";
}

[[noreturn]] void refuse(const onnx::TensorProto &tensor, const std::string &reason) {
  throw refusal(ONNX_STATUS_INVALID, described(tensor) + ": " + reason);
}

/// Types that are narrower than a byte or have few bits, which newer versions of ONNX number.
const char *name_of_narrow_type(int type) {
  static const char *const names[] = {
      "float8e4m3fn", "float8e4m3fnuz", "float8e5m2", "float8e5m2fnuz", "uint4",
      "int4",         "float4e2m1",     "float8e8m0", "uint2",          "int2"};
  constexpr int first = 17, count = sizeof names / sizeof *names;
  return type >= first && type < first + count ? names[type - first] : nullptr;
}

std::string unsupported_type(int type) {
  const char *const name = name_of_narrow_type(type);
  if (!name) return "element type " + std::to_string(type) + " is not supported";
  return std::string("element type ") + name +
         " is not supported; quantise the network to 8 bits (int8 or uint8), or give the file in "
         "floating point";
}

/// Returns the bytes of one element; 0 for strings.
size_t element_byte_count(const onnx::TensorProto &tensor) {
  switch (tensor.data_type()) {
    case onnx::TensorProto::FLOAT:
    case onnx::TensorProto::INT32:
    case onnx::TensorProto::UINT32: return 4;
    case onnx::TensorProto::UINT8:
    case onnx::TensorProto::INT8:
    case onnx::TensorProto::BOOL: return 1;
    case onnx::TensorProto::UINT16:
    case onnx::TensorProto::INT16:
    case onnx::TensorProto::FLOAT16:
    case onnx::TensorProto::BFLOAT16: return 2;
    case onnx::TensorProto::INT64:
    case onnx::TensorProto::UINT64:
    case onnx::TensorProto::DOUBLE: return 8;
    case onnx::TensorProto::STRING: return 0;
    default:
      throw refusal(
          ONNX_STATUS_UNSUPPORTED,
          described(tensor) + ": " + unsupported_type(tensor.data_type()));
  }
}

/// Throws for negative dimensions and for a product beyond what memory can hold.
uint64_t element_count(const onnx::TensorProto &tensor) {
  if (tensor.dims_size() > ONNX_RANK_LIMIT) refuse(tensor, "it has too many dimensions");
  uint64_t count = 1;
  bool is_empty = false;
  for (const int64_t dimension : tensor.dims()) {
    if (dimension < 0) refuse(tensor, "a dimension is negative");
    if (dimension == 0) is_empty = true;
    else if (__builtin_mul_overflow(count, static_cast<uint64_t>(dimension), &count) ||
             count > std::numeric_limits<int64_t>::max() / 16)
      refuse(tensor, "the product of its dimensions is beyond any memory");
  }
  return is_empty ? 0 : count;
}

int64_t whole_number(const onnx::TensorProto &tensor, const std::string &digits) {
  if (digits.empty() || digits.size() > 18) {
    refuse(tensor, "its external offset or length is invalid");
  }
  int64_t value = 0;
  for (const char digit : digits) {
    if (digit < '0' || digit > '9') refuse(tensor, "its external offset or length is invalid");
    value = value * 10 + (digit - '0');
  }
  return value;
}

/// Copies the low bytes of each number of a typed field.
template <typename Stored, typename Field>
std::string packed(const Field &numbers) {
  std::string bytes(static_cast<size_t>(numbers.size()) * sizeof(Stored), '\0');
  size_t offset = 0;
  for (const auto number : numbers) {
    const Stored stored = static_cast<Stored>(number);
    memcpy(&bytes[offset], &stored, sizeof stored);
    offset += sizeof stored;
  }
  return bytes;
}

/// Copies the numbers of each type from the field that onnx.proto defines for it.
std::string packed(const onnx::TensorProto &tensor) {
  switch (tensor.data_type()) {
    case onnx::TensorProto::FLOAT: return packed<float>(tensor.float_data());
    case onnx::TensorProto::DOUBLE: return packed<double>(tensor.double_data());
    case onnx::TensorProto::INT64: return packed<int64_t>(tensor.int64_data());
    case onnx::TensorProto::UINT64: return packed<uint64_t>(tensor.uint64_data());
    case onnx::TensorProto::UINT32: return packed<uint32_t>(tensor.uint64_data());
    case onnx::TensorProto::INT32: return packed<int32_t>(tensor.int32_data());
    case onnx::TensorProto::BOOL:
    case onnx::TensorProto::UINT8:
    case onnx::TensorProto::INT8: return packed<uint8_t>(tensor.int32_data());
    default: return packed<uint16_t>(tensor.int32_data());
  }
}

}  // namespace

void prepare_tensor(onnx_model &model, onnx::TensorProto &tensor) {
  element_byte_count(tensor);
  const uint64_t count = element_count(tensor);
  if (tensor.has_segment())
    throw refusal(ONNX_STATUS_UNSUPPORTED, described(tensor) + " is stored in segments");
  if (tensor.data_location() != onnx::TensorProto::EXTERNAL) return;
  if (tensor.data_type() == onnx::TensorProto::STRING) {
    refuse(tensor, "it has strings outside the file");
  }

  external_place place;
  bool has_location = false;
  for (const auto &entry : tensor.external_data()) {
    if (entry.key() == "location") {
      if (has_location) refuse(tensor, "its external data has two locations");
      has_location = true;
      place.location = entry.value();
    } else if (entry.key() == "offset") {
      place.offset = whole_number(tensor, entry.value());
    } else if (entry.key() == "length") {
      place.length = whole_number(tensor, entry.value());
    }
  }
  if (!has_location || place.location.empty()) refuse(tensor, "its external data has no location");
  model.external[&tensor] = place;
  // The checker would look for the file wherever its name leads. It accepts any raw bytes.
  tensor.clear_data_location();
  tensor.clear_external_data();
  if (count > 0) tensor.set_raw_data(std::string(1, '\0'));
  else tensor.clear_raw_data();
}

void normalize_tensor(const onnx_model &model, onnx::TensorProto &tensor) {
  const uint64_t size = element_byte_count(tensor);
  if (size == 0) return;
  if (model.external.count(&tensor) > 0) {
    tensor.clear_raw_data();
    return;
  }
  if (!tensor.has_raw_data()) tensor.set_raw_data(packed(tensor));
  tensor.clear_float_data();
  tensor.clear_double_data();
  tensor.clear_int32_data();
  tensor.clear_int64_data();
  tensor.clear_uint64_data();
  const uint64_t expected = element_count(tensor) * size;
  if (tensor.raw_data().size() != expected)
    refuse(
        tensor,
        "it has " + std::to_string(tensor.raw_data().size()) + " bytes, its shape asks for " +
                    std::to_string(expected));
}
