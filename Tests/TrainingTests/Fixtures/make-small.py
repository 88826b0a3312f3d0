#!/usr/bin/env python3
"""Makes small.json: losses, optimisers and schedules of PyTorch on a few numbers.

usage: make-small.py > small.json      needs PyTorch (CPU)
"""

import json

import torch
from torch.nn import functional

LOGITS = [[1.5, -0.5, 0.25, 3.0], [-2.0, 0.5, 0.75, 0.0], [0.125, 4.0, -1.0, 2.0]]
CLASSES = [3, 1, 0]
SHARES = [[0.25, 0.75, 0.0, 0.0], [0.0, 0.0, 0.5, 0.5], [1.0, 0.0, 0.0, 0.0]]
LABELS = [[1.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0], [1.0, 1.0, 0.25, 0.0]]
WEIGHTS = [0.5, 2.0, 1.0, 1.25]
START = [0.5, -1.25, 2.0, 0.0]
GRADIENTS = [[0.1, -0.2, 0.3, 0.0], [-0.4, 0.5, 0.6, 1.0], [0.25, 0.125, -2.0, -1.0]]


def loss(compute):
    logits = torch.tensor(LOGITS, dtype=torch.float64, requires_grad=True)
    value = compute(logits)
    value.backward()
    return {"loss": value.item(), "gradient": logits.grad.flatten().tolist()}


def updates(make, limit=None):
    parameter = torch.nn.Parameter(torch.tensor(START))
    optimizer = make([parameter])
    for gradient in GRADIENTS:
        parameter.grad = torch.tensor(gradient)
        if limit:
            torch.nn.utils.clip_grad_norm_([parameter], limit)
        optimizer.step()
    return parameter.tolist()


def rates(make, count):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.4)
    schedule = make(optimizer)
    result = []
    for _ in range(count):
        result.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step() if len(result) < count else None
    return result


def warm_cosine(optimizer):
    s = torch.optim.lr_scheduler
    warm = s.LinearLR(optimizer, start_factor=0.01, total_iters=5)
    return s.SequentialLR(optimizer, [warm, s.CosineAnnealingLR(optimizer, T_max=15, eta_min=0.001)], milestones=[5])


w = torch.tensor(WEIGHTS, dtype=torch.float64)
classes, shares, labels = torch.tensor(CLASSES), torch.tensor(SHARES).double(), torch.tensor(LABELS).double()
s = torch.optim.lr_scheduler
json.dump({
    "softmax": loss(lambda x: functional.cross_entropy(x, classes)),
    "smoothed": loss(lambda x: functional.cross_entropy(x, classes, label_smoothing=0.1)),
    "weighted": loss(lambda x: functional.cross_entropy(x, classes, weight=w, label_smoothing=0.2)),
    "shares": loss(lambda x: functional.cross_entropy(x, shares, weight=w, label_smoothing=0.1)),
    "binary": loss(lambda x: functional.binary_cross_entropy_with_logits(x, labels, weight=w)),
    "sgd": updates(lambda p: torch.optim.SGD(p, lr=0.1)),
    "momentum": updates(lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01)),
    "nesterov": updates(lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01, nesterov=True)),
    "adamw": updates(lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.05)),
    "clipped": updates(lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9), limit=0.5),
    "oneCycle": rates(lambda o: s.OneCycleLR(o, max_lr=0.4, total_steps=20), 20),
    "oneCycleQuarter": rates(lambda o: s.OneCycleLR(o, max_lr=0.4, total_steps=17, pct_start=0.25, div_factor=10, final_div_factor=100), 17),
    "cosine": rates(lambda o: s.CosineAnnealingLR(o, T_max=20), 20),
    "warmCosine": rates(warm_cosine, 20),
}, __import__("sys").stdout, indent=0)
