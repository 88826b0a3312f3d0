#include "internal.h"

onednn_status onednn_matrix_multiply(
    onednn_matrix_product product, const float *a, const float *b, float *c,
    onednn_message *message) {
  const dnnl_status_t status = dnnl_sgemm(
      product.transposes_a ? 'T' : 'N', product.transposes_b ? 'T' : 'N', product.rows,
      product.columns, product.depth, 1, a, product.transposes_a ? product.rows : product.depth, b,
      product.transposes_b ? product.depth : product.columns, product.accumulates ? 1 : 0, c,
      product.columns);
  return onednn_report(status, "matrix product", message);
}
