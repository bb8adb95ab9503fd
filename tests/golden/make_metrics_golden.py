"""Writes metrics.json: predictions and what scikit-learn and SciPy make of them.

Run: python3 tests/golden/make_metrics_golden.py
Versions that wrote the file in the tree: scikit-learn 1.9.1, SciPy 1.17.1, NumPy 2.
"""
import json
import os
import warnings

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import expit, log_softmax
from sklearn import metrics as sk

warnings.filterwarnings("ignore")
FLOOR = 1e-15


def averages(truth, predicted, labels):
    result = {}
    for average in ("micro", "macro", "weighted"):
        p, r, f, _ = sk.precision_recall_fscore_support(
            truth, predicted, labels=labels, average=average, zero_division=0)
        result |= {f"{average}_precision": p, f"{average}_recall": r, f"{average}_f1": f}
    return result


def per_label(truth, predicted, labels):
    p, r, f, support = sk.precision_recall_fscore_support(
        truth, predicted, labels=labels, average=None, zero_division=np.nan)
    optional = lambda values: [None if np.isnan(v) else float(v) for v in values]
    return {"precision": optional(p), "recall": optional(r), "f1": optional(f),
            "support": support.tolist()}


def calibration_error(confidence, correct):
    """Guo et al. 2017, equation 3: 15 bins (i/15, (i+1)/15]."""
    bins = np.clip(np.ceil(confidence * 15) - 1, 0, 14)
    return sum(abs(correct[bins == b].mean() - confidence[bins == b].mean()) * (bins == b).mean()
               for b in range(15) if (bins == b).any())


def wilson(share, n, z=1.959963984540054):
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    spread = z / (1 + z * z / n) * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return [middle - spread, middle + spread]


def bootstrap(score, rows, rng):
    values = [score(rng.integers(0, rows, rows)) for _ in range(1000)]
    return np.percentile(values, [2.5, 97.5]).tolist()


def as_targets(rows):
    return {"offsets": np.cumsum([0] + [len(row) for row in rows]).tolist(),
            "labels": [int(label) for row in rows for label in row]}


def single(rng, rows, labels, name):
    """Labels >= `labels` are unknown to the model; label 3 is never predicted, 4 never true."""
    truth = rng.integers(0, labels, rows)
    truth[truth == 4] = 0
    logits = rng.normal(size=(rows, labels)) + 1.5 * np.eye(labels)[truth]
    logits[:, 3 % labels] = -50
    truth[:6] = [labels, labels + 3, labels, labels + 3, labels + 3, labels + 1]
    probabilities = np.exp(log_softmax(logits, axis=1))
    probabilities[10] = 1 / labels  # a tie: the first label is predicted
    probabilities[11] = np.eye(labels)[1]
    probabilities = probabilities.astype(np.float32)
    p = probabilities.astype(np.float64)
    predicted = p.argmax(axis=1)
    classes = sorted(set(truth) | set(predicted))
    known = truth < labels
    onehot = np.where(known[:, None], np.eye(labels)[np.where(known, truth, 0)], 0)
    gold = np.clip((p * onehot).sum(axis=1), FLOOR, 1)
    accuracy = sk.accuracy_score(truth, predicted)
    f1 = lambda i: sk.f1_score(truth[i], predicted[i], average="macro", zero_division=0)
    return {"name": name, "probabilities": probabilities.ravel().tolist(), "labels": labels,
            "thresholds": None, "targets": as_targets(truth[:, None]),
            "expected": averages(truth, predicted, classes) | {
                "accuracy": accuracy, "exact_match": accuracy, "log_loss": -np.log(gold).mean(),
                "brier": ((p - onehot) ** 2).sum(axis=1).mean(),
                "ece": calibration_error(p.max(axis=1), predicted == truth),
                "unknown_labels": int((~known).sum())},
            "per_label": per_label(truth, predicted, list(range(labels))),
            "confusion": sk.confusion_matrix(truth, predicted, labels=range(labels))
            .ravel().tolist(),
            "accuracy_interval": wilson(accuracy, rows),
            "macro_f1_interval": bootstrap(f1, rows, rng)}


def multi(rng, rows, labels, name):
    """Column `labels` of the truth is a label that the model does not have. Label 1 is hardly
    ever predicted, label 2 neither true nor predicted."""
    truth = rng.random((rows, labels + 1)) < 0.25
    truth[:, 2] = False
    truth[7] = False
    logits = rng.normal(size=(rows, labels)) - 1 + 2 * truth[:, :labels]
    logits[:, 1] = logits[:, 2] = -9
    probabilities = expit(logits).astype(np.float32)
    thresholds = np.linspace(0.3, 0.6, labels).astype(np.float32)
    probabilities[20] = np.where(np.arange(labels) == 2, 0, thresholds)  # a tie: predicted
    p = probabilities.astype(np.float64)
    predicted = np.c_[probabilities >= thresholds, np.zeros(rows, bool)]
    occurring = np.flatnonzero(truth.any(axis=0) | predicted.any(axis=0))
    exact = sk.accuracy_score(truth, predicted)

    def f1(i):
        occurs = np.flatnonzero(truth[i].any(axis=0) | predicted[i].any(axis=0))
        return sk.f1_score(truth[i], predicted[i], labels=occurs, average="macro",
                           zero_division=0)

    inside = truth[:, :labels]
    return {"name": name, "probabilities": probabilities.ravel().tolist(), "labels": labels,
            "thresholds": thresholds.tolist(),
            "targets": as_targets([np.flatnonzero(row) for row in truth]),
            "expected": averages(truth, predicted, occurring) | {
                "accuracy": exact, "exact_match": exact,
                "log_loss": sk.log_loss(inside.ravel(), np.clip(p.ravel(), FLOOR, 1 - FLOOR)),
                "brier": ((p - inside) ** 2).sum(axis=1).mean(),
                "ece": calibration_error(p.ravel(), inside.ravel()),
                "unknown_labels": int(truth[:, labels].sum())},
            "per_label": per_label(truth, predicted, list(range(labels))),
            "confusion": None, "accuracy_interval": wilson(exact, rows),
            "macro_f1_interval": bootstrap(f1, rows, rng)}


def temperature(rng, rows, labels, scale, multi_label):
    truth = rng.integers(0, labels, rows)
    logits = ((rng.normal(size=(rows, labels)) + np.eye(labels)[truth]) * scale)
    logits = logits.astype(np.float32)
    z, onehot = logits.astype(np.float64), np.eye(labels)[truth]

    def loss(log_t):
        scaled = z / np.exp(log_t)
        if multi_label:
            return (np.logaddexp(0, scaled) - onehot * scaled).sum()
        return -(log_softmax(scaled, axis=1) * onehot).sum()

    best = minimize_scalar(loss, bounds=(-4, 4), method="bounded", options={"xatol": 1e-10})
    return {"logits": logits.ravel().tolist(), "labels": labels, "multi_label": multi_label,
            "targets": as_targets(truth[:, None]), "temperature": float(np.exp(best.x))}


def main():
    rng = np.random.default_rng(7)
    golden = {
        "reports": [single(rng, 150, 6, "single"), single(rng, 60, 12, "sparse"),
                    multi(rng, 120, 5, "multi")],
        "temperatures": [temperature(rng, 80, 4, 3.0, False), temperature(rng, 80, 4, 0.2, False),
                         temperature(rng, 60, 3, 5.0, True), temperature(rng, 60, 3, 1.0, True)],
    }
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "metrics.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(golden, file, separators=(",", ":"), allow_nan=False, default=float)
        file.write("\n")


if __name__ == "__main__":
    main()
