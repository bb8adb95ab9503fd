"""Tiny classifiers with a tokenizer, and what captum, PyTorch and networkx say explains them.

    python3 tests/golden/make_explain_golden.py

writes tests/golden/explain/<case>/{config.json, model.safetensors, tokenizer.json, expected.json}.
The last one has, for each text and the label with the highest logit, one number a token: integrated
gradients (captum, 400 points of Gauss and Legendre, from the text of [MASK]), gradient times input
(captum), AttnLRP (Achtibat et al. 2024, as gradients of a changed model), attention of the readout's row, rollout and flow (Abnar and Zuidema 2020; networkx), norms
(Kobayashi et al. 2020), attention times gradient (Chefer et al. 2021); and for each word what its
absence takes from the logit. In double precision.
Made with torch 2.13, transformers 5.24, captum 0.9, networkx 3.6 and tokenizers 0.23.
"""

import contextlib
import functools
import json
import os
import shutil

import networkx
import numpy
import torch
import transformers
from captum.attr import InputXGradient, LayerIntegratedGradients
from safetensors.numpy import save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "explain")
VOCABULARY = ("[PAD] [UNK] [CLS] [SEP] [MASK] a the film plot is was not good bad fine dull very un ##good "
              "##ly moving quiet , . !").split()
LABELS = ["neg", "pos", "so"]
# Each text, and the tokens (special ones included) of each of its words.
TEXTS = [("the film was not good", [[1], [2], [3], [4], [5]]),
         ("A very fine , quietly moving film !", [[1], [2], [3], [4], [5, 6], [7], [8], [9]]),
         ("ungood", [[1, 2]]),
         ("zebra is dull . the plot is bad", [[1], [2], [3], [4], [5], [6], [7], [8]])]

SHARED = dict(vocab_size=len(VOCABULARY), hidden_size=16, num_attention_heads=2, intermediate_size=24,
              max_position_embeddings=20, num_labels=3)
CASES = {
    "bert": ("Bert", dict(num_hidden_layers=2)),
    "modernbert_mean": ("ModernBert", dict(num_hidden_layers=3, classifier_pooling="mean",
                                           local_attention=4, global_attn_every_n_layers=2, max_position_embeddings=160, pad_token_id=0,
                                           bos_token_id=2, eos_token_id=3, cls_token_id=2, sep_token_id=3)),
}


def make_tokenizer():
    ids = {token: i for i, token in enumerate(VOCABULARY)}
    tokenizer = Tokenizer(models.WordPiece(ids, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", ids["[SEP]"]), ("[CLS]", ids["[CLS]"]))
    tokenizer.add_special_tokens(VOCABULARY[:5])
    return tokenizer


def make_model(stem, settings, seed):
    generator = torch.Generator().manual_seed(seed)
    config = getattr(transformers, stem + "Config")(**{**SHARED, **settings})
    config._attn_implementation = "eager"
    config.id2label = dict(enumerate(LABELS))
    config.label2id = {label: i for i, label in enumerate(LABELS)}
    model = getattr(transformers, stem + "ForSequenceClassification")(config).eval()
    model.set_attn_implementation("eager")
    with torch.no_grad():
        for name, weight in model.named_parameters():
            is_norm = "norm" in name.lower() and name.endswith("weight")
            scale = 0.1 if weight.dim() == 1 else 0.35
            weight.copy_(scale * torch.randn(weight.shape, generator=generator) + (1 if is_norm else 0))
    return model.float(), config


class Explained:
    """A text and its label in a model of doubles."""

    def __init__(self, model, ids):
        self.model = model
        self.ids = torch.tensor([ids])
        self.inner = [i not in (2, 3) for i in ids]
        self.label = int(self.logits(self.ids).argmax())
        self.words = model.base_model.get_input_embeddings()

    def logits(self, ids):
        with torch.no_grad():
            return self.model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits[0]

    def without(self, places):
        ids = self.ids.clone()
        ids[0, places] = VOCABULARY.index("[MASK]")
        return ids

    def score(self, ids):
        return float(self.logits(ids)[self.label])

    def integrated(self):
        forward = lambda ids: self.model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits
        base = self.without([i for i, inner in enumerate(self.inner) if inner])
        ig = LayerIntegratedGradients(forward, self.words)
        return ig.attribute(self.ids, base, target=self.label, n_steps=400,
                            method="gausslegendre", internal_batch_size=64).sum(-1)[0]

    def input_gradient(self):
        forward = lambda x: self.model(inputs_embeds=x,
                                       attention_mask=torch.ones(x.shape[:2], dtype=torch.long)).logits
        rows = self.words(self.ids).detach().requires_grad_()
        return InputXGradient(forward).attribute(rows, target=self.label).sum(-1)[0]

    def relevance(self):
        """Input times the gradient of a model of the same values whose norms have a constant deviation,
        whose activations are products with a constant, and whose products of two states give half of
        their gradient to each factor."""
        with changed_for_relevance(self.model):
            rows = self.words(self.ids).detach().requires_grad_()
            mask = torch.ones(rows.shape[:2], dtype=torch.long)
            logit = self.model(inputs_embeds=rows, attention_mask=mask).logits[0, self.label]
            assert abs(float(logit.detach()) - self.score(self.ids)) < 1e-6
            logit.backward()
        return (rows * rows.grad).sum(-1)[0]

    def left_out(self, words):
        whole = self.score(self.ids)
        return [whole - self.score(self.without(places)) for places in words]

    def attentions(self):
        """Of every layer [heads][n][n], with the gradient of the logit."""
        output = self.model(input_ids=self.ids, attention_mask=torch.ones_like(self.ids),
                            output_attentions=True)
        for a in output.attentions:
            a.retain_grad()
        output.logits[0, self.label].backward()
        return [(a.detach()[0], a.grad[0]) for a in output.attentions]

    def readout_row(self):
        n = self.ids.shape[1]
        if getattr(self.model.config, "classifier_pooling", "cls") == "mean":
            return torch.full((n,), 1 / n, dtype=torch.double)
        return torch.eye(n, dtype=torch.double)[0]

    def norms(self, last):
        """|| sum over heads of A_ij v_j W_output || of the last layer."""
        values = {}
        layer = (self.model.base_model.encoder.layer if hasattr(self.model.base_model, "encoder")
                 else self.model.base_model.layers)[-1]
        if hasattr(layer, "attn"):
            source, output = layer.attn.Wqkv, layer.attn.Wo
        else:
            source, output = layer.attention.self.value, layer.attention.output.dense
        hook = source.register_forward_hook(lambda module, x, y: values.update(v=y.detach()[0]))
        self.logits(self.ids)
        hook.remove()
        width = output.weight.shape[0]
        heads = last.shape[0]
        v = values["v"][:, -width:].reshape(-1, heads, width // heads)
        w = output.weight.detach().reshape(width, heads, width // heads)
        mixed = torch.einsum("hij,jhd,ohd->ijo", last, v, w)
        return mixed.norm(dim=-1)


def half(x):
    return x / 2 + (x / 2).detach()


class ConstantSlope(torch.nn.Module):
    """f(x) as x times a constant."""

    def __init__(self, activation):
        super().__init__()
        self.activation = activation

    def forward(self, x):
        return x * (self.activation(x) / x).detach()


def norm_of_constant_deviation(norm, x):
    deviation = (x.var(-1, unbiased=False, keepdim=True) + norm.eps).sqrt().detach()
    y = (x - x.mean(-1, keepdim=True)) / deviation * norm.weight
    return y if norm.bias is None else y + norm.bias


def attention_of_halves(module, query, key, value, attention_mask, scaling, **_):
    scores = half(query) @ half(key).transpose(2, 3) * scaling
    if attention_mask is not None:
        scores = scores + attention_mask
    weights = torch.softmax(scores, dim=-1)
    return (half(weights) @ half(value)).transpose(1, 2).contiguous(), weights


def gated_of_halves(mlp, x):
    inner, gate = mlp.Wi(x).chunk(2, dim=-1)
    return mlp.Wo(half(mlp.act(inner)) * half(gate))


@contextlib.contextmanager
def changed_for_relevance(model):
    original = {name: dict(module._modules) for name, module in model.named_modules()}
    transformers.AttentionInterface.register("halves", attention_of_halves)
    transformers.AttentionMaskInterface.register("halves", transformers.masking_utils.eager_mask)
    model.set_attn_implementation("halves")
    changed = []
    for module in list(model.modules()):
        if isinstance(module, torch.nn.LayerNorm):
            module.forward = functools.partial(norm_of_constant_deviation, module)
            changed.append(module)
        if type(module).__name__ == "ModernBertMLP":
            module.forward = functools.partial(gated_of_halves, module)
            changed.append(module)
        for attribute in ("act", "activation", "intermediate_act_fn"):
            if isinstance(getattr(module, attribute, None), torch.nn.Module):
                setattr(module, attribute, ConstantSlope(getattr(module, attribute)))
    try:
        yield
    finally:
        model.set_attn_implementation("eager")
        for module in changed:
            del module.forward
        for name, module in model.named_modules():
            if name in original:
                module._modules.update(original[name])


def flows(row, layers):
    """Of each token, the greatest flow from the readout to it; layers from the first on."""
    n = len(row)
    graph = networkx.DiGraph()
    top = len(layers)
    for i in range(n):
        graph.add_edge("readout", (top, i), capacity=float(row[i]))
    for l in range(top, 0, -1):
        for i in range(n):
            for j in range(n):
                graph.add_edge((l, i), (l - 1, j), capacity=float(layers[l - 1][i, j]))
    return [networkx.maximum_flow_value(graph, "readout", (0, j)) for j in range(n)]


def explain(model, ids, words):
    e = Explained(model, ids)
    attentions = e.attentions()
    row = e.readout_row()
    means = [a.mean(0) for a, _ in attentions]
    mixed = [(a + torch.eye(len(a), dtype=torch.double)) / 2 for a in means]
    rollout = row
    for layer in reversed(mixed):
        rollout = rollout @ layer
    relevance = torch.eye(len(row), dtype=torch.double)
    for a, d in attentions:
        relevance = relevance + (a * d).clamp(min=0).mean(0) @ relevance
    inner = [i for i, is_inner in enumerate(e.inner) if is_inner]
    return {
        "tokens": ids, "label": e.label, "score": e.score(e.ids), "base": e.score(e.without(inner)),
        "ig": e.integrated(), "grad-input": e.input_gradient(),
        "lrp": e.relevance(), "loo": e.left_out(words),
        "attention": row @ means[-1], "rollout": rollout, "flow": flows(row, mixed),
        "norm": row @ e.norms(attentions[-1][0]), "grad-attention": row @ relevance,
        "matrices": [a for a, _ in attentions],
    }


def plain(value):
    if isinstance(value, torch.Tensor):
        return value.detach().tolist()
    if isinstance(value, list):
        return [plain(v) for v in value]
    return value


def make(name, seed):
    stem, settings = CASES[name]
    folder = os.path.join(HERE, name)
    os.makedirs(folder)
    tokenizer = make_tokenizer()
    model, config = make_model(stem, settings, seed)
    save_file({key: numpy.ascontiguousarray(w.detach().numpy()) for key, w in model.named_parameters()},
              os.path.join(folder, "model.safetensors"))
    description = config.to_dict()
    description["architectures"] = [stem + "ForSequenceClassification"]
    with open(os.path.join(folder, "config.json"), "w") as file:
        json.dump(description, file, indent=1, sort_keys=True)
        file.write("\n")
    tokenizer.save(os.path.join(folder, "tokenizer.json"), pretty=False)
    model = model.double()
    expected = []
    for text, words in TEXTS:
        result = explain(model, tokenizer.encode(text).ids, words)
        expected.append({"text": text, **{key: plain(value) for key, value in result.items()}})
    with open(os.path.join(folder, "expected.json"), "w") as file:
        json.dump(expected, file)
        file.write("\n")


def main():
    shutil.rmtree(HERE, ignore_errors=True)
    for seed, name in enumerate(CASES):
        make(name, seed)


if __name__ == "__main__":
    main()
