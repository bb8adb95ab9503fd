#!/usr/bin/env python3
"""Weights after steps of torch.optim.AdamW over the parameters of a tiny BERT, for test_adamw.c:
layer-wise rates, no decay of biases and norms, gradients clipped to a norm of 1, a word embedding
of which a step touches few rows. Weights and gradients are functions of their place that the test
computes too (value_at). Writes adamw.bin: the block of weights, float32, after STEPS steps.

    python3 tests/golden/make_adamw_golden.py
"""

from pathlib import Path

import numpy
import torch

VOCABULARY, WIDTH, INNER, LAYERS, LABELS, POSITIONS = 32, 16, 32, 2, 16, 16
STEPS, WARM_UP, RATE, DECAY, LAYER_DECAY, READOUT_RATE = 40, 10, 0.01, 0.1, 0.8, 2.0


def layout():
    """(shape, depth, whether it decays) of each parameter, in the order of the block."""
    yield (VOCABULARY, WIDTH), 0, True
    yield (POSITIONS, WIDTH), 0, True
    yield (WIDTH,), 0, False
    yield (WIDTH,), 0, False
    for layer in range(1, LAYERS + 1):
        for _ in range(4):
            yield (WIDTH, WIDTH), layer, True
            yield (WIDTH,), layer, False
        yield (WIDTH,), layer, False
        yield (WIDTH,), layer, False
        yield (INNER, WIDTH), layer, True
        yield (INNER,), layer, False
        yield (WIDTH, INNER), layer, True
        yield (WIDTH,), layer, False
        yield (WIDTH,), layer, False
        yield (WIDTH,), layer, False
    for rows in (WIDTH, LABELS):
        yield (rows, WIDTH), LAYERS + 1, True
        yield (rows,), LAYERS + 1, False


def value_at(places, step):
    """Uniform in [-1/2, 1/2), by a multiplicative hash; exact in float32."""
    hashed = (places.astype(numpy.uint64) * 2654435761 + (step + 1) * 40503) % 2**32
    hashed = (hashed ^ (hashed >> numpy.uint64(15))) * 2246822519 % 2**32
    return ((hashed >> numpy.uint64(12)).astype(numpy.float64) / 2**20 - 0.5).astype(numpy.float32)


def rate_at(step):
    """train/schedule.h"""
    if step < WARM_UP:
        return RATE * (step + 1) / (WARM_UP + 1)
    return RATE * (STEPS - step) / (STEPS - WARM_UP)


def is_touched(row, step):
    return (row * 7 + step * 3) % 11 == 0 and row != 5


def main():
    groups, start = [], 0
    for index, (shape, depth, decays) in enumerate(layout()):
        count = int(numpy.prod(shape))
        places = numpy.arange(start, start + count)
        weight = torch.nn.Parameter(torch.from_numpy(value_at(places, -1).reshape(shape).copy()))
        multiple = LAYER_DECAY ** (LAYERS + 1 - depth) * (READOUT_RATE if depth > LAYERS else 1)
        groups.append({"params": [weight], "places": places, "multiple": multiple,
                       "weight_decay": DECAY if decays else 0.0, "by_rows": index == 0})
        start += count
    optimizer = torch.optim.AdamW(groups, lr=RATE, betas=(0.9, 0.999), eps=1e-8)
    for step in range(STEPS):
        for group in optimizer.param_groups:
            weight = group["params"][0]
            gradient = value_at(group["places"], step).reshape(weight.shape)
            if group["by_rows"]:
                for row in range(VOCABULARY):
                    if not is_touched(row, step):
                        gradient[row] = 0
            weight.grad = torch.from_numpy(gradient)
            group["lr"] = rate_at(step) * group["multiple"]
        weights = [group["params"][0] for group in optimizer.param_groups]
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
    block = numpy.concatenate([weight.detach().numpy().ravel() for weight in weights])
    block.astype("<f4").tofile(Path(__file__).with_name("adamw.bin"))


if __name__ == "__main__":
    main()
