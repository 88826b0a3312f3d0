"""Measures one engine on one ONNX file in a process of its own and prints images/s.

usage: peer.py onnxruntime|openvino|openvino-throughput FILE BATCH THREADS SECONDS
"""

import sys
import time

import numpy as np

WARM_UP_SHARE = 0.25


def rate(run, images_per_run: int, seconds: float) -> float:
    """Images/s of `run` over `seconds`, after a warm-up of a quarter of that."""
    until = time.perf_counter() + seconds * WARM_UP_SHARE
    run()
    while time.perf_counter() < until:
        run()
    start = time.perf_counter()
    count = 0
    while True:
        run()
        count += 1
        elapsed = time.perf_counter() - start
        if elapsed >= seconds:
            return count * images_per_run / elapsed


def onnxruntime(path: str, pixels: np.ndarray, threads: int, seconds: float) -> float:
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return rate(lambda: session.run(None, {"input": pixels}), len(pixels), seconds)


def openvino(path: str, pixels: np.ndarray, threads: int, seconds: float, hint: str) -> float:
    import openvino as ov

    # Its default on this kind of processor is bf16, which would not be the same sum.
    compiled = ov.Core().compile_model(path, "CPU", {
        "INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32",
        "PERFORMANCE_HINT": hint})
    if hint == "LATENCY":
        request = compiled.create_infer_request()
        request.set_input_tensor(ov.Tensor(pixels))
        return rate(request.infer, len(pixels), seconds)
    queue = ov.AsyncInferQueue(compiled)
    for request in queue:
        request.set_input_tensor(ov.Tensor(pixels.copy()))

    # As many rounds as keep the queue full, so that the wait at the end weighs little.
    rounds = 8

    def run() -> None:
        for _ in range(len(queue) * rounds):
            queue.start_async()
        queue.wait_all()

    return rate(run, len(pixels) * len(queue) * rounds, seconds)


def main() -> None:
    engine, path, batch, threads, seconds = sys.argv[1:]
    pixels = np.random.default_rng(2).standard_normal((int(batch), 3, 224, 224))
    pixels = np.ascontiguousarray(pixels, dtype=np.float32)
    if engine == "onnxruntime":
        result = onnxruntime(path, pixels, int(threads), float(seconds))
    else:
        hint = "THROUGHPUT" if engine == "openvino-throughput" else "LATENCY"
        result = openvino(path, pixels, int(threads), float(seconds), hint)
    print(result)


if __name__ == "__main__":
    main()
