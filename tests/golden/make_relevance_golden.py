"""Writes relevance.safetensors: AttnLRP (Achtibat et al. 2024) in the tower, for tests/test_relevance.c.

    python3 tests/golden/make_relevance_golden.py        (torch 2.13, safetensors 0.8)

Weights and texts are those of attention.safetensors. What the C code gets as input times a gradient is
written here as the paper has it: every operation has a rule that hands the relevance of its result on to
what it read, and autograd only calls the rules in order. In float64; the file holds one number a token,
for the label `labels` of each text, with epsilon = 0.
"""

import os

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file

LAYERS, HEADS, HEAD_DIM, DISTANCE, WINDOW = 2, 3, 8, 4, 12
FOLDER = os.path.dirname(os.path.abspath(__file__))


class Linear(torch.autograd.Function):
    """y = x W + b; R_i = x_i sum_j W_ij R_j / y_j (the epsilon rule, eq. 8)."""

    @staticmethod
    def forward(context, x, weight, bias):
        y = x @ weight + bias
        context.save_for_backward(x, weight, y)
        return y

    @staticmethod
    def backward(context, relevance):
        x, weight, y = context.saved_tensors
        return x * ((relevance / y) @ weight.T), None, None


class Add(torch.autograd.Function):
    """y = a + b; R_a = a R / y. A constant b keeps its own."""

    @staticmethod
    def forward(context, a, b):
        context.save_for_backward(a, b)
        return a + b

    @staticmethod
    def backward(context, relevance):
        a, b = context.saved_tensors
        share = relevance / (a + b)
        return a * share, b * share


class Product(torch.autograd.Function):
    """y = a b of two states; half to each (eqs. 14 and 15)."""

    @staticmethod
    def forward(context, a, b):
        y = a @ b
        context.save_for_backward(a, b, y)
        return y

    @staticmethod
    def backward(context, relevance):
        a, b, y = context.saved_tensors
        share = relevance / (2 * y)
        return a * (share @ b.transpose(-1, -2)), b * (a.transpose(-1, -2) @ share)


class Softmax(torch.autograd.Function):
    """R_i = x_i (R_i - s_i sum_j R_j) (eq. 13)."""

    @staticmethod
    def forward(context, x):
        s = torch.softmax(x, dim=-1)
        context.save_for_backward(x, s)
        return s

    @staticmethod
    def backward(context, relevance):
        x, s = context.saved_tensors
        return x * (relevance - s * relevance.sum(-1, keepdim=True))


class Elementwise(torch.autograd.Function):
    """y_i = f(x_i), also with a constant factor; R_i = R_i (the identity rule, eq. 9)."""

    @staticmethod
    def forward(context, x, f):
        return f(x)

    @staticmethod
    def backward(context, relevance):
        return relevance, None


class Norm(torch.autograd.Function):
    """y = (x - mean(x)) r g + b, linear in x with a constant r: R_i = x_i sum_j d_ij R_j / y_j."""

    @staticmethod
    def forward(context, x, gain, bias):
        rstd = (x.var(-1, unbiased=False, keepdim=True) + 1e-5).rsqrt()
        y = (x - x.mean(-1, keepdim=True)) * rstd * gain + bias
        context.save_for_backward(x, rstd * gain, y)
        return y

    @staticmethod
    def backward(context, relevance):
        x, factor, y = context.saved_tensors
        share = factor * relevance / y
        return x * (share - share.mean(-1, keepdim=True)), None, None


class Mean(torch.autograd.Function):
    @staticmethod
    def forward(context, x):
        context.save_for_backward(x)
        return x.mean(0)

    @staticmethod
    def backward(context, relevance):
        (x,) = context.saved_tensors
        return x * relevance / x.sum(0)


class Maximum(torch.autograd.Function):
    """All to the largest."""

    @staticmethod
    def forward(context, x):
        context.save_for_backward(x)
        return x.max(0).values

    @staticmethod
    def backward(context, relevance):
        (x,) = context.saved_tensors
        return F.one_hot(x.argmax(0), len(x)).T * relevance


def attention(x, w):
    qkv = Linear.apply(Norm.apply(x, w["attention_norm_gain"][0], w["attention_norm_bias"][0]),
                       w["qkv"], w["qkv_bias"])
    count = -(-len(x) // WINDOW)
    pieces = []
    for i in range(count):
        window = qkv[len(x) * i // count : len(x) * (i + 1) // count]
        q, k, v = (part.reshape(-1, HEADS, HEAD_DIM).transpose(0, 1) for part in window.chunk(3, dim=1))
        place = torch.arange(q.shape[1])
        offset = (place[None, :] - place[:, None]).clamp(-DISTANCE, DISTANCE) + DISTANCE
        products = Elementwise.apply(Product.apply(q, k.transpose(1, 2)), lambda p: p / HEAD_DIM**0.5)
        heads = Product.apply(Softmax.apply(Add.apply(products, w["position"][:, offset])), v)
        pieces.append(heads.transpose(0, 1).reshape(-1, HEADS * HEAD_DIM))
    gates = w["attention_gate"][0].repeat_interleave(HEAD_DIM)
    gated = Elementwise.apply(torch.cat(pieces), lambda heads: heads * gates)
    return Linear.apply(gated, w["output"], w["output_bias"])


def feedforward(x, w):
    inner = Linear.apply(Norm.apply(x, w["inner_norm_gain"][0], w["inner_norm_bias"][0]), w["inner"],
                         w["inner_bias"])
    inner = Elementwise.apply(inner, lambda y: F.gelu(y, approximate="tanh"))
    result = Linear.apply(inner, w["inner_output"], w["inner_output_bias"])
    return Elementwise.apply(result, lambda y: y * w["inner_gate"])


def logits_of(x, weights):
    for layer in range(LAYERS):
        prefix = f"layer.{layer}."
        w = {name[len(prefix) :]: v for name, v in weights.items() if name.startswith(prefix)}
        x = Add.apply(x, attention(x, w))
        x = Add.apply(x, feedforward(x, w))
    z = Norm.apply(x, weights["norm_gain"][0], weights["norm_bias"][0])
    width = z.shape[1]
    scores = Linear.apply(z, weights["query"].T / width**0.5, torch.zeros(1, dtype=torch.double))
    pooled = Product.apply(Softmax.apply(scores.T), z)
    row = torch.cat([Mean.apply(z), Maximum.apply(z), pooled.flatten()])
    return Linear.apply(row[None], weights["readout"], weights["readout_bias"])[0]


def main():
    given = load_file(os.path.join(FOLDER, "attention.safetensors"))
    weights = {name[7:]: w.double() for name, w in given.items() if name.startswith("weight.")}
    ends, offsets = given["token_offsets"].tolist(), given["offsets"].tolist()
    relevance = []
    for text, label in enumerate(given["labels"].tolist()):
        tokens = []
        for token in range(offsets[text], offsets[text + 1]):
            rows = weights["embedding"][given["ngrams"][ends[token] : ends[token + 1]].long()]
            tokens.append(rows.sum(0) / max(1, len(rows)) ** 0.5)
        x = torch.stack(tokens).requires_grad_()
        logit = logits_of(x, weights)[label]
        assert torch.allclose(logit, given["logits"][text, label].double(), atol=1e-5)
        logit.backward(logit.detach())
        relevance.append(x.grad.sum(-1))
    path = os.path.join(FOLDER, "relevance.safetensors")
    save_file({"relevance": torch.cat(relevance).float()}, path)
    os.chmod(path, 0o644)


if __name__ == "__main__":
    main()
