// Flat C interface to the few oneDNN primitives that inference and training need. It exposes none
// of oneDNN's own types, so that this target alone depends on the library's version (2.x here).
//
// Objects are immutable once made and may be shared by threads, except streams and bindings, which
// belong to one thread at a time. Functions that can fail return ONEDNN_OK or an error and then
// describe it in `message`. Every `…_create` gives the caller an object to release with the
// `…_destroy` of the same name.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

typedef enum {
  ONEDNN_OK = 0,
  ONEDNN_OUT_OF_MEMORY,
  // The library has no implementation for this combination of attributes and layouts, or only a
  // reference one for more than ONEDNN_REFERENCE_WORK_LIMIT.
  ONEDNN_UNIMPLEMENTED,
  ONEDNN_FAILED,
} onednn_status;

// Multiply-adds that the library's reference loops may do if it has nothing else; a function of one
// number counts as 16. They are 50 to 300 times slower than its other implementations, so this much
// takes them half a millisecond at most. If the layout of weights is given they are not used at
// all, for another layout has a better implementation. The limit does not hold for processors other
// than x86-64, where there is often nothing else.
#define ONEDNN_REFERENCE_WORK_LIMIT (1 << 16)

// Type of a tensor's numbers.
typedef enum {
  ONEDNN_FLOAT32,
  ONEDNN_BFLOAT16,
  ONEDNN_SIGNED8,
  ONEDNN_UNSIGNED8
} onednn_number;

// Receives one line, terminated by NUL.
typedef struct {
  char characters[160];
} onednn_message;

typedef struct onednn_engine onednn_engine;
typedef struct onednn_stream onednn_stream;
// Dimensions of a tensor and the order of its numbers in memory.
typedef struct onednn_layout onednn_layout;
typedef struct onednn_primitive onednn_primitive;
// Primitive with the addresses that it works on.
typedef struct onednn_binding onednn_binding;

void onednn_version(int *major, int *minor, int *patch);

// Instruction sets, each including those before it; only AVX-512 does not include AVX2_VNNI.
typedef enum {
  // And whatever other processors have.
  ONEDNN_X86_64,
  ONEDNN_SSE41,
  ONEDNN_AVX2,
  // Bytes are multiplied and summed by one instruction.
  ONEDNN_AVX2_VNNI,
  // F, BW, DQ and VL.
  ONEDNN_AVX512,
  ONEDNN_AVX512_VNNI,
  // As are pairs of bfloat16.
  ONEDNN_AVX512_BF16,
  ONEDNN_AVX512_AMX
} onednn_instructions;

// Keeps the library from using anything beyond `most`. Must be called before anything else here;
// the library's own variable, ONEDNN_MAX_CPU_ISA or DNNL_MAX_CPU_ISA, may lower it further.
void onednn_instructions_cap(onednn_instructions most);
// Returns the instructions that the library uses: all that the CPU and the system have and nothing
// forbids.
onednn_instructions onednn_instructions_used(void);

// Releases the programs that the library keeps for primitives that no longer exist: by itself it
// keeps those of the last 1,024, which take up to 900 MB.
void onednn_cache_empty(void);

// Gives memory that the library or others have freed back to the system.
void onednn_freed_memory_return(void);

// Threads of the primitives that the calling thread makes or runs.
void onednn_threads_set(int count);
int onednn_threads(void);
// Makes a team of threads for the primitives that the calling thread runs, and gives each a core of
// its own: two on one core would wait for each other actively, for a time slice at each step.
void onednn_team_begin(int count);
// Ends the team's threads and lets the calling thread run on all of its cores again.
void onednn_team_end(void);

onednn_status onednn_engine_create(
    onednn_engine *_Nullable *_Nonnull engine, onednn_message *message);
void onednn_engine_destroy(onednn_engine *engine);

onednn_status onednn_stream_create(
    const onednn_engine *engine, onednn_stream *_Nullable *_Nonnull stream,
    onednn_message *message);
void onednn_stream_destroy(onednn_stream *stream);

// Makes a row-major layout: activations [N, C, H, W] or [N, C], weights [K, C, H, W], [G, K/G, C/G,
// H, W] or [K, C].
onednn_status onednn_layout_create(
    const int64_t *dimensions, int rank, onednn_number number,
    onednn_layout *_Nullable *_Nonnull layout, onednn_message *message);
// Makes a layout whose dimensions have such strides, in numbers.
onednn_status onednn_strided_layout_create(
    const int64_t *dimensions, const int64_t *strides, int rank, onednn_number number,
    onednn_layout *_Nullable *_Nonnull layout, onednn_message *message);
// Makes a layout of activations [N, C, H, W] with `block` channels (8 or 16) next to each other and
// zeros beyond C; or with all channels last, for a block of 0.
onednn_status onednn_blocked_layout_create(
    const int64_t dimensions[_Nonnull 4], int block, onednn_number number,
    onednn_layout *_Nullable *_Nonnull layout, onednn_message *message);
// Makes the same order for another type of numbers.
onednn_status onednn_layout_recast(
    const onednn_layout *layout, onednn_number number,
    onednn_layout *_Nullable *_Nonnull recast, onednn_message *message);
// Makes a layout of the channels `offset` to `offset + count` of activations [N, C, H, W] in place
// among the others: addresses are those of the whole. In blocked layouts only whole blocks can be
// taken.
onednn_status onednn_layout_channels(
    const onednn_layout *layout, int64_t offset, int64_t count,
    onednn_layout *_Nullable *_Nonnull part, onednn_message *message);
// Makes a layout of some rows and columns of activations [N, C, H, W] likewise; both extents are of
// the part.
onednn_status onednn_layout_pixels(
    const onednn_layout *layout, int64_t top, int64_t left, int64_t height, int64_t width,
    onednn_layout *_Nullable *_Nonnull part, onednn_message *message);
void onednn_layout_destroy(onednn_layout *layout);
size_t onednn_layout_byte_count(const onednn_layout *layout);
bool onednn_layout_equal(const onednn_layout *a, const onednn_layout *b);

// Numbers that results are clipped to, if `applies`; in units of an integer destination.
typedef struct {
  bool applies;
  float lower, upper;
} onednn_bounds;

typedef struct {
  int64_t batch, input_channels, input_height, input_width;
  int64_t output_channels, output_height, output_width;
  int64_t kernel_height, kernel_width, stride_height, stride_width;
  // Before the first and after the last row and column.
  int64_t padding_top, padding_left, padding_bottom, padding_right;
  // 1 means neighbouring taps.
  int64_t dilation_height, dilation_width;
  int64_t groups;
  bool has_bias;
  // Bounds of the result, after any residual sum: whatever the order of post-operations, kernels of
  // 2.6.3 begin with the residual.
  onednn_bounds bounds;
  // The destination holds a residual to which the result is added, before any ReLU: numbers of
  // their own type (of the destination's size), multiplied by `residual_scale`.
  bool adds_to_destination;
  onednn_number residual_number;
  float residual_scale;
  bool applies_relu;
  onednn_number source_number, weights_number, destination_number;
  // Integer of the source that stands for zero, also in its padding.
  int32_t source_zero;
} onednn_convolution;

// The primitive chooses the layouts that are NULL. Sums and bias are multiplied by `scales` [K],
// unless NULL: with integers, the bias is in units of the sums. The bias is always float.
onednn_status onednn_convolution_create(
    const onednn_engine *engine, const onednn_convolution *convolution,
    const float *_Nullable scales,
    const onednn_layout *_Nullable source, const onednn_layout *_Nullable weights,
    const onednn_layout *_Nullable destination, onednn_primitive *_Nullable *_Nonnull primitive,
    onednn_message *message);

// Passes through a convolution in training.
typedef enum {
  ONEDNN_FORWARD,
  // From the destination's gradient and the weights to the source's gradient.
  ONEDNN_TO_SOURCE,
  // From the destination's gradient and the source to the gradients of weights and bias.
  ONEDNN_TO_WEIGHTS
} onednn_pass;

// A pass without residual and ReLU; it chooses the layout of the weights, or of their gradient, if
// that is NULL. Source and destination are fp32 or bfloat16, as their layouts say, and weights as
// the convolution says; sums, bias and gradients of weights and bias are fp32.
//
// With 2.6.3, ONEDNN_TO_WEIGHTS of a strided 1x1 convolution writes past its scratchpad if the
// channels are last and fewer than 16 (oneDNN issue 6035): ONEDNN_UNIMPLEMENTED here.
onednn_status onednn_training_convolution_create(
    const onednn_engine *engine, const onednn_convolution *convolution, onednn_pass pass,
    const onednn_layout *source, const onednn_layout *_Nullable weights,
    const onednn_layout *destination, onednn_primitive *_Nullable *_Nonnull primitive,
    onednn_message *message);

typedef enum {
  ONEDNN_MAXIMUM,
  ONEDNN_AVERAGE_WITH_PADDING,
  ONEDNN_AVERAGE_WITHOUT_PADDING
} onednn_pooling_kind;

typedef struct {
  onednn_pooling_kind kind;
  int64_t batch, channels, output_height, output_width;
  int64_t window_height, window_width, stride_height, stride_width;
  // Before the first and after the last row and column.
  int64_t padding_top, padding_left, padding_bottom, padding_right;
} onednn_pooling;

// The destination has the source's type of numbers.
onednn_status onednn_pooling_create(
    const onednn_engine *engine, const onednn_pooling *pooling, const onednn_layout *source,
    onednn_primitive *_Nullable *_Nonnull primitive, onednn_message *message);

typedef enum {
  // x above 0, else alpha * x.
  ONEDNN_RELU,
  // 1 / (1 + exp(-x)).
  ONEDNN_LOGISTIC,
  // alpha * x + beta.
  ONEDNN_LINEAR,
  // min(max(x, alpha), beta).
  ONEDNN_CLIP,
  // x above 0, else alpha * (exp(x) - 1).
  ONEDNN_ELU,
  // x / 2 * (1 + erf(x / sqrt(2))), and its approximation by tanh.
  ONEDNN_GELU,
  ONEDNN_TANH_GELU,
  ONEDNN_TANH,
  // log(1 + exp(x)).
  ONEDNN_SOFTPLUS,
  ONEDNN_EXPONENTIAL,
  ONEDNN_LOGARITHM,
  ONEDNN_SQUARE_ROOT,
  // alpha * x^beta.
  ONEDNN_POWER
} onednn_elementwise_kind;

// Source and destination have one layout and may be the same memory; kinds that do not name `alpha`
// and `beta` ignore them.
onednn_status onednn_elementwise_create(
    const onednn_engine *engine, onednn_elementwise_kind kind, float alpha, float beta,
    const onednn_layout *layout,
    onednn_primitive *_Nullable *_Nonnull primitive, onednn_message *message);

typedef enum {
  ONEDNN_ADD,
  ONEDNN_MULTIPLY,
  ONEDNN_SUBTRACT,
  ONEDNN_DIVIDE,
  ONEDNN_MINIMUM_OF_TWO,
  ONEDNN_MAXIMUM_OF_TWO
} onednn_combination_kind;

// Source with addend, which has the source's dimensions or [N, C, 1, 1]; the destination has the
// source's layout and may be its memory.
onednn_status onednn_combination_create(
    const onednn_engine *engine, onednn_combination_kind kind, const onednn_layout *source,
    const onednn_layout *addend, onednn_primitive *_Nullable *_Nonnull primitive,
    onednn_message *message);

typedef enum {
  // (x - mean) / sqrt(variance + epsilon).
  ONEDNN_NORMALIZATION,
  ONEDNN_SOFTMAX
} onednn_row_kind;

// A function of each row of `count` numbers by itself, all float and one after the other; the
// destination may be the source's memory. A softmax ignores `epsilon`.
onednn_status onednn_rows_create(
    const onednn_engine *engine, onednn_row_kind kind, int64_t rows, int64_t count, float epsilon,
    onednn_primitive *_Nullable *_Nonnull primitive, onednn_message *message);

// Resizes [N, C, H, W] to the destination's height and width: each pixel several times, or
// linearly with the centres of pixels at half numbers.
onednn_status onednn_resizing_create(
    const onednn_engine *engine, bool is_linear, const onednn_layout *source,
    const onednn_layout *destination, onednn_primitive *_Nullable *_Nonnull primitive,
    onednn_message *message);

typedef struct {
  int64_t batch, outputs, channels, height, width;
  bool has_bias;
  onednn_number source_number, weights_number;
} onednn_linear;

// Source [N, C, H, W] times weights [K, C, H, W] plus bias [K] gives [N, K] in float; `scales` [K]
// as for a convolution.
onednn_status onednn_linear_create(
    const onednn_engine *engine, const onednn_linear *linear, const float *_Nullable scales,
    const onednn_layout *_Nullable weights, onednn_primitive *_Nullable *_Nonnull primitive,
    onednn_message *message);

// Numbers less the source's zero are multiplied by `scale`; the destination's zero is added, and
// they are rounded to nearest and clamped if they become integers.
onednn_status onednn_reorder_create(
    const onednn_engine *engine, const onednn_layout *source, const onednn_layout *destination,
    float scale, int32_t source_zero, int32_t destination_zero,
    onednn_primitive *_Nullable *_Nonnull primitive, onednn_message *message);

void onednn_primitive_destroy(onednn_primitive *primitive);

// Role of an address of a binding.
typedef enum {
  ONEDNN_SOURCE,
  ONEDNN_ADDEND,
  ONEDNN_WEIGHTS,
  ONEDNN_BIAS,
  ONEDNN_DESTINATION,
  ONEDNN_SCRATCHPAD,
  // Gradients of a loss by the arguments above, of the primitives of training.
  ONEDNN_SOURCE_GRADIENT,
  ONEDNN_WEIGHTS_GRADIENT,
  ONEDNN_BIAS_GRADIENT,
  ONEDNN_DESTINATION_GRADIENT,
  ONEDNN_ROLE_COUNT
} onednn_role;

// Returns the layout that a primitive wants for one of its arguments.
onednn_status onednn_primitive_layout(
    const onednn_primitive *primitive, onednn_role role,
    onednn_layout *_Nullable *_Nonnull layout, onednn_message *message);
// Returns 0 if the primitive has no such argument.
size_t onednn_primitive_byte_count(const onednn_primitive *primitive, onednn_role role);
// Returns the library's name for the chosen implementation; it lives as long as the primitive.
const char *onednn_primitive_implementation(const onednn_primitive *primitive);
// Tells whether this is a plain loop, written as a reference for others.
bool onednn_primitive_is_reference(const onednn_primitive *primitive);

// `addresses` has ONEDNN_ROLE_COUNT entries, NULL for arguments the primitive does not have. The
// memory belongs to the caller and must outlive the binding.
onednn_status onednn_binding_create(
    const onednn_engine *engine, const onednn_primitive *primitive,
    void *_Nullable const *_Nonnull addresses, onednn_binding *_Nullable *_Nonnull binding,
    onednn_message *message);
void onednn_binding_destroy(onednn_binding *binding);
// Runs to completion on the calling thread and its team.
onednn_status onednn_binding_run(
    const onednn_binding *binding, const onednn_stream *stream, onednn_message *message);

// Shapes of a product of row-major fp32 matrices: c [rows, columns] becomes, or grows by, a [rows,
// depth] times b [depth, columns]. A matrix to be transposed has its dimensions in the other order.
typedef struct {
  int64_t rows, columns, depth;
  bool transposes_a, transposes_b;
  bool accumulates;
} onednn_matrix_product;

// Multiplies on the calling thread's team.
onednn_status onednn_matrix_multiply(
    onednn_matrix_product product, const float *a, const float *b, float *c,
    onednn_message *message);

#pragma clang assume_nonnull end
