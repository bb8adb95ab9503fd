"""Writes capsule.safetensors: the tower with capsules in PyTorch, for tests/test_capsule.c.

    python3 tests/golden/make_capsule_golden.py        (torch 2.13, safetensors 0.8)

The layers are those of make_attention_golden.py. Routing is written as the papers write it, with
every vote W_j u_i of every capsule and label, where src/model/routing.c forms none; gradients are
autograd's, in float64. The file holds the weights, one batch with several labels a text, the labels'
capsules after each iteration, logits, the margin loss and its gradients, all rounded to float32 at
the end. Two texts are longer than the 64 tokens that routing.c takes at a time.
"""

import os

import torch
from make_attention_golden import (
    HEADS, HEAD_DIM, LABELS, LAYERS, WIDTH, attention, embed, feedforward, gated_heads, make_token,
    make_weights, norm, offsets_of,
)
from safetensors.torch import save_file

CAPSULE_DIM, ROUTING = 6, 3
LENGTHS = [1, 2, 7, 13, 70, 150]
EPSILON = 1e-8


def make_capsule_weights():
    def normal(*shape, deviation):
        values = deviation * torch.randn(*shape, dtype=torch.float64)
        return values.float().double().requires_grad_()

    weights = make_weights()
    for name in ["query", "readout", "readout_bias"]:
        del weights[name]
    return weights | {
        "primary": normal(WIDTH, HEADS * HEAD_DIM, deviation=0.2),
        "primary_bias": normal(1, HEADS * HEAD_DIM, deviation=0.2),
        "transform": normal(LABELS * CAPSULE_DIM, HEADS * HEAD_DIM, deviation=1.0),
        "transform_bias": normal(1, LABELS * CAPSULE_DIM, deviation=0.2),
    }


def squash(s):
    square = (s * s).sum(dim=-1, keepdim=True) + EPSILON
    return s * square.sqrt() / (0.5 + square)


def route(capsules, transform, bias):
    """The poses [LABELS, CAPSULE_DIM] after each iteration; capsules: [tokens, HEADS, HEAD_DIM]."""
    count = capsules.shape[0] * HEADS
    votes = torch.einsum(
        "jchd,thd->thjc", transform.reshape(LABELS, CAPSULE_DIM, HEADS, HEAD_DIM), capsules
    ).reshape(count, LABELS, CAPSULE_DIM)
    logits = torch.zeros(count, LABELS, dtype=torch.float64)
    orphan = torch.zeros(count, 1, dtype=torch.float64)
    poses = []
    for _ in range(ROUTING):
        couplings = torch.softmax(torch.cat([logits, orphan], dim=1), dim=1)[:, :LABELS]
        sums = (couplings[:, :, None] * votes).sum(dim=0)
        poses.append(bias.reshape(LABELS, CAPSULE_DIM) + (LABELS + 1) / count * sums)
        logits = logits + (votes * squash(poses[-1])).sum(dim=2)
    return poses


def poses_of(text, weights):
    x = embed(text, weights["embedding"])
    for layer in range(LAYERS):
        prefix = f"layer.{layer}."
        w = {name[len(prefix) :]: v for name, v in weights.items() if name.startswith(prefix)}
        heads = gated_heads(x, w)
        x = x + attention(x, w)
        x = x + feedforward(x, w)
    z = norm(x, weights["norm_gain"], weights["norm_bias"])
    primary = heads + z @ weights["primary"] + weights["primary_bias"]
    return route(squash(primary.reshape(-1, HEADS, HEAD_DIM)), weights["transform"],
                 weights["transform_bias"])


def margin_loss(activations, targets):
    present = targets * (0.9 - activations).clamp(min=0) ** 2
    absent = 0.25 * (1 - targets) * (activations - 0.1).clamp(min=0) ** 2
    return (present + absent).sum()


def main():
    torch.manual_seed(2)
    weights = make_capsule_weights()
    texts = [[make_token() for _ in range(length)] for length in LENGTHS]
    targets = (torch.rand(len(texts), LABELS) < 0.4).double()

    poses = [poses_of(text, weights) for text in texts]
    last = torch.stack([iterations[-1] for iterations in poses])
    activations = squash(last).norm(dim=-1)
    loss = margin_loss(activations, targets)
    loss.backward()

    tensors = {
        "ngrams": torch.cat([ngrams for text in texts for ngrams in text]).int(),
        "token_offsets": offsets_of(len(ngrams) for text in texts for ngrams in text),
        "offsets": offsets_of(LENGTHS),
        "targets": targets.float(),
        "poses": torch.stack([torch.stack(iterations) for iterations in poses]).float(),
        "logits": torch.logit(activations).float(),
        "loss": loss.reshape(1).float(),
    }
    tensors |= {f"weight.{name}": w.detach().float() for name, w in weights.items()}
    tensors |= {f"gradient.{name}": w.grad.float() for name, w in weights.items()}
    tensors = {name: tensor.detach().contiguous() for name, tensor in tensors.items()}
    folder = os.path.dirname(os.path.abspath(__file__))
    path = os.path.join(folder, "capsule.safetensors")
    save_file(tensors, path)
    os.chmod(path, 0o644)


if __name__ == "__main__":
    main()
