"""Compares networks of keras.applications, exported by tf2onnx with random weights, with Keras.

usage: networks-keras.py PROGRAM [NETWORK…]
"""

import os
import sys
import warnings

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
import numpy
import tensorflow as tf
import tf2onnx
from network_comparison import CLASSES, Comparison

warnings.filterwarnings("ignore")
SIZE = 224
NETWORKS = ["ResNet50", "ResNet101", "ResNet50V2", "MobileNetV2", "DenseNet121"]
OPSETS = (11, 13, 17)


def randomize(model):
    """Running statistics are such that leaving them out would show."""
    random = numpy.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            channels = layer.gamma.shape
            layer.set_weights([
                random.uniform(0.5, 1.0, channels), random.normal(0, 0.1, channels),
                random.normal(0, 0.1, channels), random.uniform(0.5, 1.5, channels)])


def main():
    program, *names = sys.argv[1:]
    comparison = Comparison(program)
    pictures = comparison.pictures(SIZE)
    last = numpy.ascontiguousarray(pictures.transpose(0, 2, 3, 1))
    for name in names or NETWORKS:
        keras.utils.set_random_seed(0)
        model = getattr(keras.applications, name)(weights=None, classes=CLASSES)
        randomize(model)
        softmax = model.layers[-1]
        kernel, bias = softmax.get_weights()
        features = keras.Model(model.inputs, softmax.input)
        expected = features(last).numpy().astype(numpy.float64) @ kernel + bias
        signature = [tf.TensorSpec((None, SIZE, SIZE, 3), tf.float32, name="input")]
        for opset in OPSETS:
            file = comparison.path("model.onnx")
            tf2onnx.convert.from_function(
                tf.function(model), input_signature=signature, opset=opset, output_path=file)
            comparison.compare(name, f"ONNX {opset}", file, pictures, expected)
    return comparison.end()


sys.exit(main())
