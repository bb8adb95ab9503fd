"""Fine-tunes an encoder with transformers and PyTorch on one data set; prints the result as JSON.

    fine_tune_torch.py SET FOLDER SEED

AdamW with weight decay 0.01 on matrices, learning rate 5e-5 that rises over the first tenth of the
steps and falls to nothing, three epochs of batches of 32 padded to the longest, gradients clipped to
norm 1, at most 128 tokens a text, the dropout of the encoder's config. `seconds` are those of the
steps alone: neither importing nor reading nor tokenizing is in them.
"""

import json
import sys
import time

import reference
import torch
from transformers import get_linear_schedule_with_warmup

import datasets

EPOCHS, BATCH, RATE, DECAY, WARMUP, CLIP, MOST_TOKENS = 3, 32, 5e-5, 0.01, 0.1, 1.0, 128


def padded(rows):
    longest = max(map(len, rows))
    ids = torch.tensor([row + [0] * (longest - len(row)) for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows])
    return {"input_ids": ids, "attention_mask": mask}


def optimizer_of(model):
    groups = [{"params": [], "weight_decay": DECAY}, {"params": [], "weight_decay": 0.0}]
    for values in model.parameters():
        groups[values.dim() < 2]["params"].append(values)
    return torch.optim.AdamW(groups, lr=RATE, fused=True)


def train(model, ids, targets, generator):
    optimizer = optimizer_of(model)
    steps = EPOCHS * -(-len(ids) // BATCH)
    schedule = get_linear_schedule_with_warmup(optimizer, int(WARMUP * steps), steps)
    model.train()
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(ids), generator=generator).split(BATCH):
            batch = padded([ids[i] for i in rows])
            model(**batch, labels=targets[rows]).loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()


def predict(model, ids):
    model.eval()
    order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
    predicted = torch.empty(len(ids), dtype=torch.long)
    with torch.inference_mode():
        for first in range(0, len(ids), BATCH):
            rows = order[first:first + BATCH]
            predicted[rows] = model(**padded([ids[i] for i in rows])).logits.argmax(dim=1)
    return predicted


def main():
    if len(sys.argv) != 4:
        raise SystemExit(__doc__)
    name, folder, seed = sys.argv[1:]
    data_set = datasets.find(name)
    tokenizer = reference.tokenizer_of(folder)
    labels, texts = datasets.read(data_set, "train")
    truth, test_texts = datasets.read(data_set, "test")
    names = sorted(set().union(*labels))
    targets = torch.tensor([names.index(next(iter(label))) for label in labels])
    ids = reference.token_ids(tokenizer, texts, MOST_TOKENS)
    torch.manual_seed(int(seed))
    load = reference.transformers.AutoModelForSequenceClassification.from_pretrained
    model = load(folder, num_labels=len(names))
    start = time.monotonic()
    train(model, ids, targets, torch.Generator().manual_seed(int(seed)))
    seconds = time.monotonic() - start
    predicted = predict(model, reference.token_ids(tokenizer, test_texts, MOST_TOKENS))
    score = datasets.score(data_set, truth, [{names[i]} for i in predicted])
    print(json.dumps({"score": score, "seconds": seconds,
                      "tokens": EPOCHS * sum(map(len, ids))}))


if __name__ == "__main__":
    main()
