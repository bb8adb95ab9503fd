"""Writes linear.json: sparse problems and what scikit-learn's LinearSVC makes of them.

Run: python3 tests/golden/make_linear_golden.py
Version that wrote the file in the tree: scikit-learn 1.9.1.

The bias is a feature that is always 1 (intercept_scaling=1) and is regularised, as in LIBLINEAR.
"""
import json
import os

import numpy as np
from sklearn.svm import LinearSVC


def fit(x, y, c, weights):
    model = LinearSVC(loss="squared_hinge", dual=True, C=c, tol=1e-9, max_iter=1_000_000,
                      intercept_scaling=1, random_state=0)
    model.fit(x, y, sample_weight=weights)
    return model.coef_[0], model.intercept_[0]


def problem(seed, rows, columns, labels, c, multi_label, weighted):
    random = np.random.default_rng(seed)
    x = np.where(random.random((rows, columns)) < 0.4, random.normal(size=(rows, columns)), 0)
    x = np.round(x, 3)
    direction = random.normal(size=(columns, labels))
    z = x @ direction + random.normal(size=(rows, labels))
    carries = z > 0.5 if multi_label else z == z.max(axis=1, keepdims=True)
    weights = np.round(random.uniform(0.2, 3, rows), 2) if weighted else np.ones(rows)
    solved = [fit(x, carries[:, label], c, weights) for label in range(labels)]
    return {
        "c": c,
        "labels": labels,
        "columns": columns,
        "weights": weights.tolist(),
        "rows": [[[int(i), float(row[i])] for i in np.flatnonzero(row)] for row in x],
        "gold": [np.flatnonzero(row).tolist() for row in carries],
        "table": [[round(float(w[i]), 6) for w, _ in solved] for i in range(columns)],
        "bias": [round(float(b), 6) for _, b in solved],
    }


problems = [
    problem(1, 60, 12, 3, 0.5, False, False),
    problem(2, 60, 12, 2, 2.0, False, True),
    problem(3, 60, 10, 4, 1.0, True, True),
]
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "linear.json")
with open(path, "w", encoding="utf-8") as file:
    json.dump(problems, file, separators=(",", ":"))
    file.write("\n")
