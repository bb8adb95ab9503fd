"""Tiny encoders of every family with random weights, and what `transformers` computes with them.

    python3 tests/golden/make_encoder_golden.py

writes tests/golden/encoders/<case>/{config.json, model.safetensors, expected.safetensors}; the last
one has tokens and offsets of a batch, the states before and after each layer (state.0 ..), the last
state, logits, the gradient of the loss at the logits, and that of every parameter (d.<name>).
Made with torch 2.13 and transformers 5.24.
"""

import json
import os
import shutil

import numpy
import torch
import transformers
from safetensors.numpy import save_file

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "encoders")
VOCABULARY = 30
SHORT = [5, 1, 12, 7]
LONG = [70, 1, 5]  # more than one block of queries

BERT = dict(vocab_size=VOCABULARY, hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
            intermediate_size=24, max_position_embeddings=20, num_labels=3)


def bert(**more):
    return {**BERT, **more}


# name: (family's class stem, its config, readout, lengths, dtype, loss)
CASES = {
    "bert": ("Bert", bert(hidden_size=24, num_attention_heads=3, intermediate_size=40,
                          max_position_embeddings=72), "labels", LONG, "F32", "single"),
    "bert_multi_label": ("Bert", bert(hidden_act="silu"), "labels", SHORT, "F32", "multi"),
    "bert_masked": ("Bert", bert(), "masked", SHORT, "F32", "masked"),
    "distilbert": ("DistilBert", dict(vocab_size=VOCABULARY, dim=16, n_layers=2, n_heads=2,
                                      hidden_dim=24, max_position_embeddings=20, num_labels=3),
                   "labels", SHORT, "F16", "single"),
    "roberta": ("Roberta", bert(max_position_embeddings=22, type_vocab_size=1, pad_token_id=1),
                "labels", SHORT, "F16", "single"),
    "xlm_roberta": ("XLMRoberta", bert(max_position_embeddings=22, type_vocab_size=1, num_labels=1,
                                       pad_token_id=1), "labels", SHORT, "BF16", "single"),
    "electra": ("Electra", bert(embedding_size=8, classifier_dropout=0.25), "labels", SHORT, "BF16",
                "single"),
    "albert": ("Albert", bert(embedding_size=8, num_hidden_layers=3), "labels", SHORT, "F32",
               "single"),
    "albert_masked": ("Albert", bert(embedding_size=8), "masked", SHORT, "F16", "masked"),
    "mpnet": ("MPNet", bert(max_position_embeddings=74), "labels", LONG, "F16", "single"),
    "modernbert": ("ModernBert", bert(num_hidden_layers=3, max_position_embeddings=80,
                                      local_attention=12, pad_token_id=0, bos_token_id=1,
                                      eos_token_id=2, cls_token_id=1, sep_token_id=2),
                   "labels", LONG, "F32", "single"),
    "modernbert_mean": ("ModernBert", bert(num_hidden_layers=2, max_position_embeddings=80,
                                           local_attention=4, global_attn_every_n_layers=2,
                                           attention_bias=True,
                                           mlp_bias=True, norm_bias=True, classifier_bias=True,
                                           classifier_pooling="mean", pad_token_id=0,
                                           bos_token_id=1, eos_token_id=2, cls_token_id=1,
                                           sep_token_id=2), "labels", SHORT, "F16", "single"),
    "deberta_v2": ("DebertaV2", bert(relative_attention=True, position_biased_input=False,
                                     pos_att_type=["c2p", "p2c"], share_att_key=False,
                                     max_relative_positions=16, embedding_size=12), "labels", SHORT,
                   "F16", "single"),
    "deberta_v3": ("DebertaV2", bert(relative_attention=True, position_biased_input=False,
                                     pos_att_type="c2p|p2c", share_att_key=True,
                                     position_buckets=8, max_relative_positions=72,
                                     max_position_embeddings=72, norm_rel_ebd="layer_norm",
                                     type_vocab_size=0),
                   "labels", LONG, "F32", "single"),
}
HEADS = {"labels": "ForSequenceClassification", "masked": "ForMaskedLM"}


def round_to(weight, dtype):
    """The nearest values that the file's type has."""
    types = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
    return weight.to(types[dtype]).to(torch.float32)


def fill(model, dtype, generator):
    for name, weight in model.named_parameters():
        noise = torch.randn(weight.shape, generator=generator)
        is_norm = "norm" in name.lower() and weight.dim() == 1
        if is_norm and name.endswith("weight"):
            values = 1 + 0.2 * noise
        elif weight.dim() == 1:
            values = 0.2 * noise
        else:
            values = 0.3 * noise
        with torch.no_grad():
            weight.copy_(round_to(values, dtype))


def layers_of(model):
    for name, module in model.named_modules():
        kind = type(module).__name__
        if kind.endswith(("Layer", "TransformerBlock")) and "Embed" not in kind and \
                not kind.endswith("AlbertLayerGroup"):
            yield module


def record_states(model, states):
    """Appends a text's [input of the first layer, outputs of all layers] to states."""
    def before(module, arguments):
        if not states[-1]:
            states[-1].append(arguments[0].detach()[0])

    def after(module, arguments, output):
        output = output[0] if isinstance(output, tuple) else output
        states[-1].append(output.detach()[0])

    for layer in layers_of(model):
        layer.register_forward_pre_hook(before)
        layer.register_forward_hook(after)


def loss_of(kind, logits, targets):
    if kind == "multi":
        wanted = torch.nn.functional.one_hot(targets, logits.shape[1]).float()
        return torch.nn.functional.binary_cross_entropy_with_logits(logits, wanted)
    if logits.shape[1] == 1:
        return (logits ** 2).mean()
    return torch.nn.functional.cross_entropy(logits, targets)


def run(model, base, case, texts, places):
    states = []
    record_states(model, states)
    rows, last = [], []
    for text, chosen in zip(texts, places):
        states.append([])
        ids = torch.tensor([text])
        output = model(input_ids=ids, attention_mask=torch.ones_like(ids))
        last.append(base(input_ids=ids, attention_mask=torch.ones_like(ids))[0].detach()[0])
        states[-1] = states[-1][: len(states[-1]) // 2 + 1]  # without those of the second call
        rows.append(output.logits[0][chosen] if case == "masked" else output.logits)
    logits = torch.cat(rows)
    logits.retain_grad()
    return logits, states, torch.cat(last)


def save(folder, name, arrays):
    arrays = {key: numpy.ascontiguousarray(value) for key, value in arrays.items()}
    save_file(arrays, os.path.join(folder, name))


def save_model(folder, model, dtype):
    arrays = {}
    for name, weight in model.named_parameters():
        values = weight.detach().numpy()
        if dtype == "F16":
            values = values.astype(numpy.float16)
        arrays[name] = values
    if dtype == "BF16":
        from safetensors.torch import save_file as save_torch
        save_torch({name: weight.detach().to(torch.bfloat16).contiguous()
                    for name, weight in model.named_parameters()},
                   os.path.join(folder, "model.safetensors"))
    else:
        save(folder, "model.safetensors", arrays)


def make(name, seed):
    stem, settings, readout, lengths, dtype, kind = CASES[name]
    generator = torch.Generator().manual_seed(seed)
    config = getattr(transformers, stem + "Config")(**settings)
    config._attn_implementation = "eager"
    model = getattr(transformers, stem + HEADS[readout])(config).eval()
    model.set_attn_implementation("eager")
    fill(model, dtype, generator)
    texts = [torch.randint(3, VOCABULARY, (n,), generator=generator).tolist() for n in lengths]
    places = [[0] if n < 3 else [1, n // 2] for n in lengths]
    logits, states, last = run(model, model.base_model, readout, texts, places)
    targets = torch.randint(0, logits.shape[1], (logits.shape[0],), generator=generator)
    loss_of(kind, logits, targets).backward()

    folder = os.path.join(HERE, name)
    os.makedirs(folder)
    offsets = numpy.cumsum([0] + lengths)
    expected = {
        "tokens": numpy.array(sum(texts, []), dtype=numpy.uint32),
        "offsets": offsets.astype(numpy.uint32),
        "places": numpy.array([offsets[i] + p for i, chosen in enumerate(places) for p in chosen],
                              dtype=numpy.uint32),
        "logits": logits.detach().numpy(), "d_logits": logits.grad.numpy(), "last": last.numpy(),
    }
    for i in range(len(states[0])):
        expected["state.%d" % i] = torch.cat([text[i] for text in states]).numpy()
    for parameter, weight in model.named_parameters():
        if weight.grad is not None:
            expected["d." + parameter] = weight.grad.numpy()
    save(folder, "expected.safetensors", expected)
    save_model(folder, model, dtype)
    description = config.to_dict()
    description["architectures"] = [stem + HEADS[readout]]
    with open(os.path.join(folder, "config.json"), "w") as file:
        json.dump(description, file, indent=1, sort_keys=True)
        file.write("\n")


def main():
    shutil.rmtree(HERE, ignore_errors=True)
    for seed, name in enumerate(CASES):
        make(name, seed)


if __name__ == "__main__":
    main()
