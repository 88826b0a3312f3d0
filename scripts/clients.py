"""Asks the server at RESNETD_URL by Triton's Python client, and compares with /classify.

usage: clients.py
"""

import base64
import json
import os
import struct
import sys
import urllib.request

import numpy as np
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

URL = os.environ["RESNETD_URL"]
TOLERANCE = 1e-5
IMAGE_COUNT = 3


def ask(path, body=None, headers=None):
    request = urllib.request.Request(URL + path, body, headers or {})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return answer.headers, answer.read()


def bitmap(pixels):
    """Returns pixels [H, W, RGB] as a BMP file, which is stored from the last row to the first."""
    height, width = pixels.shape[:2]
    rows = pixels[::-1, :, ::-1].tobytes()
    head = struct.pack("<2sIHHI", b"BM", 54 + len(rows), 0, 0, 54)
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, len(rows), 0, 0, 0, 0)
    return head + info + rows


def probabilities(image, count):
    answer = json.loads(ask(f"/classify?top_k={count}", image)[1])
    numbers = np.zeros(count, np.float32)
    for prediction in answer["predictions"]:
        numbers[prediction["class"]] = prediction["probability"]
    return numbers


def outputs(binary, classes=0):
    return [
        triton.InferRequestedOutput(name, binary_data=binary, class_count=classes)
        for name in ("probabilities", "logits")
    ]


def near(found, wanted, what):
    assert found.shape == wanted.shape, f"{what}: {found.shape} and {wanted.shape}"
    difference = np.abs(found - wanted).max()
    assert difference < TOLERANCE, f"{what}: differs by {difference}"


def check_images(client, name, images, wanted):
    elements = triton.InferInput("image", [len(images)], "BYTES")
    elements.set_data_from_numpy(np.array(images, dtype=np.object_), binary_data=True)
    for binary in (True, False):
        result = client.infer(name, [elements], request_id="seen", outputs=outputs(binary))
        assert result.get_response()["id"] == "seen"
        near(result.as_numpy("probabilities"), wanted, f"images, binary {binary}")
    result = client.infer(name, [elements])
    near(result.as_numpy("probabilities"), wanted, "images, all outputs")
    for coding in ("gzip", "deflate"):
        result = client.infer(
            name, [elements], outputs=outputs(False), request_compression_algorithm=coding,
            response_compression_algorithm=coding)  # fmt: skip
        near(result.as_numpy("probabilities"), wanted, f"images by {coding}")
    text = {
        "name": "image", "shape": [len(images)], "datatype": "BYTES",
        "parameters": {"content_type": "base64"},
        "data": [base64.b64encode(image).decode() for image in images],
    }  # fmt: skip
    answer = json.loads(ask(f"/v2/models/{name}/infer", json.dumps({"inputs": [text]}).encode())[1])
    data = answer["outputs"][0]["data"]
    near(np.array(data, np.float32).reshape(wanted.shape), wanted, "base64")
    headers, body = ask(
        f"/v2/models/{name}/infer", images[0], {"Inference-Header-Content-Length": "0"}
    )
    length = int(headers["Inference-Header-Content-Length"])
    result = triton.InferenceServerClient.parse_response_body(body, header_length=length)
    near(result.as_numpy("probabilities"), wanted[:1], "raw body")


def check_numbers(client, name, model, pixels, wanted):
    contract = model["contract"]
    assert contract["range"] == 1, contract
    mean, std = (np.array(contract[key], np.float32) for key in ("mean", "std"))
    numbers = (pixels.astype(np.float32) / 255 - mean) / std
    tensor = np.ascontiguousarray(numbers.transpose(0, 3, 1, 2), np.float32)
    given = triton.InferInput("input", list(tensor.shape), "FP32")
    for binary in (True, False):
        given.set_data_from_numpy(tensor, binary_data=binary)
        result = client.infer(name, [given], outputs=outputs(binary))
        near(result.as_numpy("probabilities"), wanted, f"numbers, binary {binary}")
        logits = result.as_numpy("logits")
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        near(shares / shares.sum(axis=1, keepdims=True), wanted, "softmax of logits")
        for in_binary in (True, False):
            result = client.infer(name, [given], outputs=outputs(in_binary, classes=3))
            check_classes(result.as_numpy("probabilities"), model["labels"], wanted)


def check_classes(texts, labels, wanted):
    assert texts.shape == (len(wanted), 3), texts.shape
    for row, numbers in zip(texts, wanted):
        for text, index in zip(row, np.argsort(-numbers, kind="stable")):
            text = text.decode() if isinstance(text, bytes) else text
            value, found, label = text.split(":", 2)
            assert (int(found), label) == (index, labels[index]), text
            assert abs(float(value) - numbers[index]) < TOLERANCE, text


def check_errors(client, name):
    for model, version, words in ((name, "1", "is not here"), ("other", "", "is not here")):
        try:
            client.get_model_metadata(model, version)
        except InferenceServerException as error:
            assert words in error.message(), error
        else:
            raise AssertionError("no error")
        assert not client.is_model_ready(model, version)
    given = triton.InferInput("input", [1, 3, 2, 2], "FP32")
    given.set_data_from_numpy(np.zeros((1, 3, 2, 2), np.float32))
    try:
        client.infer(name, [given])
    except InferenceServerException as error:
        assert "takes input of the shape" in error.message(), error
    else:
        raise AssertionError("no error")


def main():
    model = json.loads(ask("/model")[1])
    name, classes = model["name"], model["class_count"]
    size = model["input"]
    client = triton.InferenceServerClient(URL.removeprefix("http://"))
    assert client.is_server_live() and client.is_server_ready()
    assert client.is_model_ready(name) and client.is_model_ready(name, model["version"])
    assert "binary_tensor_data" in client.get_server_metadata()["extensions"]
    metadata = client.get_model_metadata(name)
    assert [one["name"] for one in metadata["inputs"]] == ["image", "input"], metadata

    random = np.random.default_rng(1)
    shape = (IMAGE_COUNT, size["height"], size["width"], 3)
    pixels = random.integers(0, 256, shape, dtype=np.uint8)
    images = [bitmap(one) for one in pixels]
    wanted = np.stack([probabilities(image, classes) for image in images])
    check_images(client, name, images, wanted)
    check_numbers(client, name, model, pixels, wanted)
    check_errors(client, name)
    answer = json.loads(ask(f"/predictions/{name}", images[0])[1])
    assert list(answer) == [model["labels"][i] for i in np.argsort(-wanted[0])[:5]], answer
    print(f"Triton's client agrees with /classify on {IMAGE_COUNT} images")


if __name__ == "__main__":
    sys.exit(main())
