#!/usr/bin/env python3
"""Prints what scikit-learn learns from the made-up features of HeadFitterTests, as Swift.

usage: make-head.py      needs scikit-learn
"""

import numpy
from sklearn.linear_model import LogisticRegression

ROWS, FEATURES, CLASSES, REGULARIZATION = 60, 4, 3, 0.05
MASK = (1 << 64) - 1


def numbers(name, count, low, high):
    """As ReproducibleNumbers of Sources/Numbers."""
    start = 0xcbf29ce484222325
    for byte in name.encode():
        start = ((start ^ byte) * 0x100000001b3) & MASK
    values = []
    for index in range(count):
        bits = (start + (index + 1) * 0x9e3779b97f4a7c15) & MASK
        bits = ((bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9) & MASK
        bits = ((bits ^ (bits >> 27)) * 0x94d049bb133111eb) & MASK
        bits ^= bits >> 31
        values.append(low + (bits >> 40) * 2.0 ** -24 * (high - low))
    return numpy.array(values)


def main():
    features = numbers("head features", ROWS * FEATURES, 0, 3).reshape(ROWS, FEATURES)
    noise = numbers("head labels", ROWS, -1, 1)
    # Of three classes, by two of the features, some of them wrong.
    labels = numpy.clip(numpy.floor((features[:, 0] + features[:, 1] + noise) / 2), 0, 2).astype(int)
    for name, weights in [("plain", None), ("balanced", "balanced")]:
        centred = features - features.mean(axis=0)
        scale = numpy.sqrt((centred ** 2).mean())
        # The mean loss plus half the regularisation times the squares of the scaled features' weights.
        counts = numpy.bincount(labels, minlength=CLASSES)
        total = ROWS
        model = LogisticRegression(
            C=1 / (REGULARIZATION * total * scale ** 2), class_weight=weights, tol=1e-10, max_iter=10000)
        model.fit(features, labels)
        print(name, "labels", counts.tolist())
        print("weights", [[float(f"{x:.7g}") for x in row] for row in model.coef_.tolist()])
        print("bias", [float(f"{x:.7g}") for x in model.intercept_.tolist()])


main()
