"""A LitServe server that classifies the JPEG in a request's body, with one of two engines.

usage: litserver.py PORT MODEL.onnx ENGINE WORKERS THREADS BATCH [--draft] [--fast-queue]
"""

import argparse
from typing import Annotated

import litserve
import numpy as np
from fastapi import Body

import preparation
import sessions

TOP_COUNT = 5
# How long a batch waits for its next picture; only where batches are larger than one.
BATCH_SECONDS = 0.005
REQUEST_SECOND_LIMIT = 120


class Classifier(litserve.LitAPI):
    """Decodes, runs the network and ranks the classes, all in a worker."""

    def __init__(self, options) -> None:
        batched = options.batch > 1
        super().__init__(
            max_batch_size=options.batch, batch_timeout=BATCH_SECONDS if batched else 0.0,
            api_path="/classify")
        self.options = options

    def setup(self, device: str) -> None:
        options = self.options
        batch = 1 if options.batch == 1 else None
        if options.engine == "onnxruntime":
            session = sessions.onnxruntime(options.model, options.threads, batch)
            self.network = lambda pixels: session.run(None, {"input": pixels})[0]
        else:
            request = sessions.openvino(
                options.model, options.threads, "fp32", batch, alone=False).create_infer_request()
            self.network = lambda pixels: request.infer([pixels], share_inputs=True)[0]
        self.network(np.zeros((1, 3, preparation.CROP, preparation.CROP), dtype=np.float32))

    def decode_request(self, request: Annotated[bytes, Body()]) -> np.ndarray:
        return preparation.prepare(request, self.options.draft)

    def batch(self, inputs: list[np.ndarray]) -> np.ndarray:
        return np.stack(inputs)

    def predict(self, pixels: np.ndarray) -> np.ndarray:
        return self.network(pixels[None])[0] if pixels.ndim == 3 else self.network(pixels)

    def unbatch(self, output: np.ndarray) -> list[np.ndarray]:
        return list(output)

    def encode_response(self, output: np.ndarray) -> dict:
        probabilities = np.exp(output - output.max())
        probabilities /= probabilities.sum()
        top = np.argsort(-probabilities)[:TOP_COUNT]
        return {"predictions": [
            {"class": int(index), "label": f"class {index}",
             "probability": float(probabilities[index])} for index in top]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("model")
    parser.add_argument("engine", choices=("onnxruntime", "openvino"))
    for name in ("workers", "threads", "batch"):
        parser.add_argument(name, type=int)
    parser.add_argument("--draft", action="store_true")
    parser.add_argument("--fast-queue", action="store_true")
    options = parser.parse_args()

    server = litserve.LitServer(
        Classifier(options), accelerator="cpu", devices=1, workers_per_device=options.workers,
        timeout=REQUEST_SECOND_LIMIT, fast_queue=options.fast_queue)
    server.run(
        host="127.0.0.1", port=options.port, log_level="error", access_log=False,
        generate_client_file=False, timeout_keep_alive=REQUEST_SECOND_LIMIT)


if __name__ == "__main__":
    main()
