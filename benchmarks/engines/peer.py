"""Measures one engine on one file of its format in a process of its own and prints images/s.

usage: peer.py onnxruntime|openvino|openvino-throughput|ncnn|mnn FILE PRECISION BATCH THREADS
               SECONDS
"""

import sys
import time

import numpy as np

import sessions

WARM_UP_SHARE = 0.25
# Fillings of the queue between two waits in throughput mode: then the wait weighs little.
QUEUE_ROUNDS = 8


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
    session = sessions.onnxruntime(path, threads, len(pixels))
    return rate(lambda: session.run(None, {"input": pixels}), len(pixels), seconds)


def openvino(compiled, pixels: np.ndarray, seconds: float) -> float:
    import openvino as ov

    request = compiled.create_infer_request()
    request.set_input_tensor(ov.Tensor(pixels))
    return rate(request.infer, len(pixels), seconds)


def openvino_throughput(compiled, pixels: np.ndarray, seconds: float) -> float:
    """As many batches side by side as it asks for."""
    import openvino as ov

    queue = ov.AsyncInferQueue(compiled)
    for request in queue:
        request.set_input_tensor(ov.Tensor(pixels.copy()))

    def run() -> None:
        for _ in range(len(queue) * QUEUE_ROUNDS):
            queue.start_async()
        queue.wait_all()

    return rate(run, len(pixels) * len(queue) * QUEUE_ROUNDS, seconds)


def ncnn(path: str, pixels: np.ndarray, threads: int, seconds: float) -> float:
    """It has no batches: image after image."""
    import ncnn

    network = sessions.ncnn(path, threads)

    def run() -> None:
        for image in pixels:
            extractor = network.create_extractor()
            extractor.input("input", ncnn.Mat(image))
            extractor.extract("logits")

    return rate(run, len(pixels), seconds)


def mnn(path: str, pixels: np.ndarray, threads: int, seconds: float) -> float:
    import MNN

    network = sessions.mnn(path, threads)
    source = MNN.expr.const(pixels, list(pixels.shape), MNN.expr.NCHW)
    return rate(lambda: network.forward(source).read(), len(pixels), seconds)


def main() -> None:
    engine, path, precision, batch, threads, seconds = sys.argv[1:]
    pixels = np.random.default_rng(2).standard_normal((int(batch), 3, 224, 224))
    pixels = np.ascontiguousarray(pixels, dtype=np.float32)
    alike = {"onnxruntime": onnxruntime, "ncnn": ncnn, "mnn": mnn}
    if engine in alike:
        result = alike[engine](path, pixels, int(threads), float(seconds))
    else:
        throughput = engine == "openvino-throughput"
        compiled = sessions.openvino(
            path, int(threads), precision, int(batch), "THROUGHPUT" if throughput else "LATENCY")
        measure = openvino_throughput if throughput else openvino
        result = measure(compiled, pixels, float(seconds))
    print(result)


if __name__ == "__main__":
    main()
