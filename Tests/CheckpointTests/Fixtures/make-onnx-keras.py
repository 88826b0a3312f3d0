"""Makes the ONNX fixtures that tf2onnx exports of Keras: narrow ResNets after keras.applications, and their logits.

    pip install tensorflow-cpu==2.21.0 keras==3.15.1 tf2onnx==1.17.0 onnx==1.23.2 numpy==2.4.6
    python make-onnx-keras.py

The picture is that of make-onnx.py, its channels put last; the logits, Keras' own before its softmax, stand in onnx-keras.json.
"""

import json
import os
import pathlib

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
import numpy as np
import tensorflow as tf
import tf2onnx
from keras import layers

HERE = pathlib.Path(__file__).parent
SIZE = 32


def normalized(x):
    return layers.BatchNormalization(
        epsilon=1.001e-5, beta_initializer=keras.initializers.RandomNormal(0, 0.1, 1),
        gamma_initializer=keras.initializers.RandomUniform(0.5, 1.5, 2),
        moving_mean_initializer=keras.initializers.RandomNormal(0, 0.1, 3),
        moving_variance_initializer=keras.initializers.RandomUniform(0.5, 1.5, 4))(x)


def convolution(x, filters, size, seed, **options):
    return layers.Conv2D(
        filters, size, kernel_initializer=keras.initializers.HeNormal(seed),
        bias_initializer=keras.initializers.RandomNormal(0, 0.1, seed), **options)(x)


def head(x, name):
    x = layers.GlobalAveragePooling2D()(x)
    logits = layers.Dense(
        5, kernel_initializer=keras.initializers.RandomNormal(0, 0.5, 5),
        bias_initializer=keras.initializers.RandomNormal(0, 0.3, 6))(x)
    return logits, layers.Activation("softmax", name=name)(logits)


def first(pictures):
    """As keras.applications.ResNet50 begins, with one block of squeeze and excitation, and scaled pictures."""
    x = layers.Rescaling(scale=1 / 1.5, offset=-0.25)(pictures)
    x = layers.ZeroPadding2D(3)(x)
    x = layers.Activation("relu")(normalized(convolution(x, 8, 7, 1, strides=2)))
    x = layers.MaxPooling2D(3, strides=2)(layers.ZeroPadding2D(1)(x))
    shortcut = normalized(convolution(x, 16, 1, 2, strides=2))
    x = layers.Activation("relu")(normalized(convolution(x, 4, 1, 3, strides=2)))
    x = layers.Activation("relu")(normalized(convolution(x, 4, 3, 4, padding="same")))
    x = normalized(convolution(x, 16, 1, 5))
    gate = layers.Reshape((1, 1, 16))(layers.GlobalAveragePooling2D()(x))
    gate = layers.Dense(4, activation="relu", kernel_initializer=keras.initializers.HeNormal(6))(gate)
    gate = layers.Dense(16, activation="sigmoid", kernel_initializer=keras.initializers.HeNormal(7))(gate)
    x = layers.Activation("relu")(layers.Add()([shortcut, layers.Multiply()([x, gate])]))
    return head(x, "predictions")


def second(pictures):
    """As keras.applications.ResNet50V2: the pool's zeros meet numbers below zero; shortcuts by a pool of one pixel."""
    x = convolution(layers.ZeroPadding2D(3)(pictures), 8, 7, 1, strides=2)
    x = layers.MaxPooling2D(3, strides=2)(layers.ZeroPadding2D(1)(x))
    active = layers.Activation("relu")(normalized(x))
    shortcut = layers.MaxPooling2D(1, strides=2)(x)
    x = layers.Activation("relu")(normalized(convolution(active, 4, 1, 2, use_bias=False)))
    x = layers.ZeroPadding2D(1)(x)
    x = layers.Activation("relu")(normalized(convolution(x, 4, 3, 3, strides=2, use_bias=False)))
    x = layers.Add()([shortcut, convolution(x, 8, 1, 4)])
    x = convolution(x, 8, 3, 5, strides=2, padding="same")
    x = layers.AveragePooling2D(2, padding="same")(layers.Activation("relu")(normalized(x)))
    return head(x, "probabilities")


def main():
    pixels = (np.arange(3 * SIZE**2) * 7919 % 257 / 128 - 1).astype(np.float32)
    picture = pixels.reshape(1, 3, SIZE, SIZE).transpose(0, 2, 3, 1)
    answers = {}
    for name, build, opset in (("keras-v1", first, 13), ("keras-v2", second, 17)):
        pictures = layers.Input((SIZE, SIZE, 3), name="input")
        logits, probabilities = build(pictures)
        logits = keras.Model(pictures, logits)(picture).numpy()[0]
        network = tf.function(keras.Model(pictures, probabilities))
        signature = [tf.TensorSpec((None, SIZE, SIZE, 3), tf.float32, name="input")]
        tf2onnx.convert.from_function(
            network, input_signature=signature, opset=opset, output_path=str(HERE / f"{name}.onnx"))
        answers[name] = {"size": SIZE, "logits": [float(f"{value:.9g}") for value in logits]}
    (HERE / "onnx-keras.json").write_text(json.dumps(answers, indent=1) + "\n")


main()
