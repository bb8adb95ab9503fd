"""Writes attention.safetensors: the attention tower in PyTorch, for tests/test_golden.c.

    python3 tests/golden/make_attention_golden.py        (torch 2.13, safetensors 0.8)

The model follows src/model/tower.h but shares no code with it: PyTorch's own embedding bag,
layer norm, scaled dot product attention, gelu, cross entropy, autograd and Adam, in float64.
The file holds the weights, one batch, its logits and gradients, and the losses of ten steps
of Adam on that batch, all rounded to float32 at the end.
"""

import os

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

VOCABULARY, WIDTH, LAYERS, HEADS, HEAD_DIM, INNER = 40, 32, 2, 3, 8, 32
DISTANCE, QUERIES, WINDOW, LABELS, COLUMNS = 4, 2, 12, 5, 16
LENGTHS = [1, 2, 7, 12, 13, 30]
MOST_NGRAMS = 5  # of a token
STEPS, LEARNING_RATE = 10, 0.002


def make_weights():
    def normal(*shape, deviation=0.2, around=0.0):
        values = around + deviation * torch.randn(*shape, dtype=torch.float64)
        return values.float().double().requires_grad_()  # exact in float32

    weights = {
        "embedding": normal(VOCABULARY, WIDTH),
        "norm_gain": normal(1, WIDTH, around=1.0),
        "norm_bias": normal(1, WIDTH),
        "query": normal(QUERIES, WIDTH),
        "readout": normal((2 + QUERIES) * WIDTH, COLUMNS),
        "readout_bias": normal(1, COLUMNS),
    }
    for layer in range(LAYERS):
        weights |= {
            f"layer.{layer}.{name}": value
            for name, value in {
                "attention_norm_gain": normal(1, WIDTH, around=1.0),
                "attention_norm_bias": normal(1, WIDTH),
                "qkv": normal(WIDTH, 3 * HEADS * HEAD_DIM),
                "qkv_bias": normal(1, 3 * HEADS * HEAD_DIM),
                "position": normal(HEADS, 2 * DISTANCE + 1),
                "attention_gate": normal(1, HEADS, around=0.5),
                "output": normal(HEADS * HEAD_DIM, WIDTH),
                "output_bias": normal(1, WIDTH),
                "inner_norm_gain": normal(1, WIDTH, around=1.0),
                "inner_norm_bias": normal(1, WIDTH),
                "inner": normal(WIDTH, INNER),
                "inner_bias": normal(1, INNER),
                "inner_output": normal(INNER, WIDTH),
                "inner_output_bias": normal(1, WIDTH),
                "inner_gate": normal(1, 1, around=0.5),
            }.items()
        }
    return weights


def norm(x, gain, bias):
    return F.layer_norm(x, (WIDTH,), gain[0], bias[0], eps=1e-5)


def windows(tokens):
    """Slices of nearly equal length, each of at most WINDOW tokens."""
    count = -(-tokens // WINDOW)
    return [slice(tokens * i // count, tokens * (i + 1) // count) for i in range(count)]


def gated_heads(x, w):
    """[tokens, HEADS * HEAD_DIM] from x: [tokens, width] of one text."""
    qkv = norm(x, w["attention_norm_gain"], w["attention_norm_bias"]) @ w["qkv"] + w["qkv_bias"]
    pieces = []
    for window in windows(len(x)):
        q, k, v = (
            part.reshape(-1, HEADS, HEAD_DIM).transpose(0, 1) for part in qkv[window].chunk(3, dim=1)
        )
        place = torch.arange(q.shape[1])
        offset = (place[None, :] - place[:, None]).clamp(-DISTANCE, DISTANCE) + DISTANCE
        heads = F.scaled_dot_product_attention(q, k, v, attn_mask=w["position"][:, offset])
        gated = heads * w["attention_gate"][0][:, None, None]
        pieces.append(gated.transpose(0, 1).reshape(-1, HEADS * HEAD_DIM))
    return torch.cat(pieces)


def attention(x, w):
    return gated_heads(x, w) @ w["output"] + w["output_bias"]


def feedforward(x, w):
    inner = norm(x, w["inner_norm_gain"], w["inner_norm_bias"]) @ w["inner"] + w["inner_bias"]
    inner = F.gelu(inner, approximate="tanh")
    return w["inner_gate"] * (inner @ w["inner_output"] + w["inner_output_bias"])


def embed(text, embedding):
    """The sum of each token's rows over the square root of their number; 0 if it has none."""
    counts = torch.tensor([len(ngrams) for ngrams in text])
    starts = counts.cumsum(0) - counts
    sums = F.embedding_bag(torch.cat(text), embedding, starts, mode="sum")
    return sums / counts.clamp(min=1).double().sqrt()[:, None]


def logits_of(text, weights):
    """text: for each token the tensor of its n-grams."""
    x = embed(text, weights["embedding"])
    for layer in range(LAYERS):
        prefix = f"layer.{layer}."
        w = {name[len(prefix) :]: v for name, v in weights.items() if name.startswith(prefix)}
        x = x + attention(x, w)
        x = x + feedforward(x, w)
    z = norm(x, weights["norm_gain"], weights["norm_bias"])
    shares = torch.softmax(weights["query"] @ z.T / WIDTH**0.5, dim=1)
    pooled = torch.cat([z.mean(dim=0), z.max(dim=0).values, (shares @ z).flatten()])
    return pooled @ weights["readout"] + weights["readout_bias"][0]


def make_token():
    return torch.randint(VOCABULARY, (int(torch.randint(MOST_NGRAMS + 1, ())),))


def offsets_of(lengths):
    return torch.tensor([0, *lengths]).cumsum(0).int()


def main():
    torch.manual_seed(1)
    weights = make_weights()
    texts = [[make_token() for _ in range(length)] for length in LENGTHS]
    labels = torch.arange(len(texts)) % LABELS
    start = {name: w.detach().clone() for name, w in weights.items()}

    def batch_loss():
        logits = torch.stack([logits_of(text, weights) for text in texts])
        return logits, F.cross_entropy(logits[:, :LABELS], labels, reduction="sum")

    optimizer = torch.optim.Adam(weights.values(), lr=LEARNING_RATE, betas=(0.9, 0.999), eps=1e-8)
    losses = []
    for step in range(STEPS):
        optimizer.zero_grad()
        logits, loss = batch_loss()
        loss.backward()
        losses.append(loss.item())
        if step == 0:
            first_logits = logits.detach()
            gradients = {name: w.grad.clone() for name, w in weights.items()}
        optimizer.step()

    tensors = {
        "ngrams": torch.cat([ngrams for text in texts for ngrams in text]).int(),
        "token_offsets": offsets_of(len(ngrams) for text in texts for ngrams in text),
        "offsets": offsets_of(LENGTHS),
        "labels": labels.int(),
        "logits": first_logits.float(),
        "losses": torch.tensor(losses, dtype=torch.float64).float(),
    }
    tensors |= {f"weight.{name}": w.float() for name, w in start.items()}
    tensors |= {f"gradient.{name}": g.float() for name, g in gradients.items()}
    folder = os.path.dirname(os.path.abspath(__file__))
    path = os.path.join(folder, "attention.safetensors")
    save_file(tensors, path)
    os.chmod(path, 0o644)


if __name__ == "__main__":
    main()
