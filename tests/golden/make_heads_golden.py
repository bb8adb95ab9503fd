"""Writes heads.json: what NumPy and SciPy make of the attention weights and outputs of a few heads.

Run: python3 tests/golden/make_heads_golden.py
Versions that wrote the file in the tree: see its "versions".
"""
import json
import os

import numpy as np
import scipy
from scipy import stats
from scipy.spatial.distance import jensenshannon

HEADS, REACH, WIDTH = 4, 3, 5
TOKENS, GIVEN = 60, 6  # outputs, and how wide each head's are


def make_text(rng, count, special):
    """Weights of several heads, and what is known of the tokens."""
    scores = rng.normal(0, 2, (HEADS, count, count))
    for i in range(count - 1):
        scores[1, i, i + 1] += 6  # looks at the next token
    scores[2] = 0.01 * scores[2]  # looks everywhere
    weights = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
    is_special = [special and i in (0, count - 1) for i in range(count)]
    key = rng.integers(0, count - 2, count)
    rarity = {int(k): float(rng.integers(1, 5)) for k in key}
    vector = {int(k): rng.normal(0, 1, WIDTH).astype(np.float32).astype(float) for k in key}
    return dict(
        weights=weights.astype(np.float32).astype(float),
        special=np.array(is_special),
        separates=np.array([i == count - 1 or (not s and rng.random() < 0.2)
                            for i, s in enumerate(is_special)]),
        key=key,
        rarity=np.array([0.0 if s else rarity[int(k)] for k, s in zip(key, is_special)]),
        vectors=np.array([vector[int(k)] for k in key]),
        evidence=np.where(is_special, 0, np.round(rng.random(count), 3)))


def queries(text):
    return np.flatnonzero(~text["special"])


def metrics(texts, head):
    rows = [(t, q, t["weights"][head][q]) for t in texts for q in queries(t)]
    steps = lambda t, q: abs(np.arange(len(t["key"])) - q)
    distance = np.mean([(a * steps(t, q)).sum() for t, q, a in rows])
    return dict(
        entropy=np.mean([stats.entropy(a) / np.log(len(a)) for _, _, a in rows]),
        confidence=np.mean([a.max() for _, _, a in rows]),
        distance=distance,
        ratio=distance / np.mean([steps(t, q).mean() for t, q, _ in rows]),
        sink=np.mean([a[0] for _, _, a in rows]),
        separators=np.mean([a[t["separates"]].sum() for t, _, a in rows]))


def position(texts, head):
    best = 0
    for offset in range(-REACH, REACH + 1):
        hits = [t["weights"][head][q].argmax() == q + offset
                for t in texts for q in queries(t) if 0 <= q + offset < len(t["key"])]
        best = max(best, np.mean(hits))
    return best


def same(texts, head):
    weight = base = 0
    for t in texts:
        for q in queries(t):
            others = [j for j in queries(t) if j != q and t["key"][j] == t["key"][q]]
            weight += t["weights"][head][q][others].sum()
            base += len(others) / len(t["key"])
    return weight / base


def correlation(texts, head, of):
    values = []
    for t in texts:
        words = queries(t)
        received = t["weights"][head][words].sum(0)[words]
        values.append(stats.spearmanr(received, t[of][words]).statistic)
    return np.mean(values)


def semantic(texts, head):
    values = []
    for t in texts:
        v = t["vectors"] / np.linalg.norm(t["vectors"], axis=1, keepdims=True)
        pairs = [(i, j) for i in queries(t) for j in queries(t) if i != j]
        cosine = [1.0 if t["key"][i] == t["key"][j] else v[i] @ v[j] for i, j in pairs]
        # Both ways of a pair are one cosine, however it is rounded.
        values.append(stats.spearmanr([t["weights"][head][p] for p in pairs],
                                      np.round(cosine, 12)).statistic)
    return np.mean(values)


def rarest(texts, head):
    hits = []
    for t in texts:
        words = queries(t)
        least_frequent = t["rarity"][words].max()
        hits += [t["rarity"][words[t["weights"][head][q][words].argmax()]] == least_frequent
                 for q in words]
    return np.mean(hits)


def local(texts, head):
    return np.mean([t["weights"][head][q][max(0, q - 2):q + 3].sum()
                    for t in texts for q in queries(t)])


def roles(texts, head):
    m = metrics(texts, head)
    return {"sink": m["sink"], "separator": m["separators"], "position": position(texts, head),
            "same token": same(texts, head), "rarest token": rarest(texts, head),
            "rare tokens": correlation(texts, head, "rarity"),
            "semantic": semantic(texts, head),
            "label evidence": correlation(texts, head, "evidence"), "local": local(texts, head)}


def divergence(texts, a, b):
    return np.mean([jensenshannon(t["weights"][a][q], t["weights"][b][q], base=2) ** 2
                    for t in texts for q in queries(t)])


def effective(texts):
    rows = np.stack([np.concatenate([(t["weights"][h][queries(t)] - 1 / len(t["key"])).ravel()
                                     for t in texts]) for h in range(HEADS)])
    share = np.linalg.svd(rows, compute_uv=False) ** 2
    return float(np.exp(stats.entropy(share / share.sum())))


def outputs(rng):
    """Of a few heads: the second does what the first does, turned, larger and with noise; the third
    shares some columns with it; all are far from 0."""
    first = rng.normal(0, 1, (TOKENS, GIVEN)) * np.arange(1, GIVEN + 1)
    turn = np.linalg.qr(rng.normal(0, 1, (GIVEN, GIVEN)))[0]
    second = 3 * first @ turn + rng.normal(0, 2, first.shape)
    third = np.where(np.arange(GIVEN) >= 4, rng.normal(0, 1, first.shape), first)
    fourth = rng.normal(0, 1, first.shape)
    rows = np.concatenate([first, second, third, fourth], 1) + rng.normal(0, 20, HEADS * GIVEN)
    return rows.astype(np.float32).astype(float)


def alignment(rows, a, b):
    """Linear CKA (Kornblith et al. 2019, section 3)."""
    x, y = (rows[:, h * GIVEN:(h + 1) * GIVEN] for h in (a, b))
    x, y = x - x.mean(0), y - y.mean(0)
    return np.linalg.norm(x.T @ y) ** 2 / (np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y))


def evidence():
    """Of words in texts with labels: each word's |ln odds(label | word) - ln odds(label)| over the
    other texts, one of which is added that has the label as often as all do."""
    texts = [([3, 5, 5, 8], 0), ([3, 8], 0), ([5, 9], 1), ([3], 1), ([3, 9, 10], 2), ([8, 3], 0)]
    out = []
    for words, label in texts:
        prior = (sum(l == label for _, l in texts) - 0.5) / len(texts)
        row = []
        for word in words:
            have = [l for ws, l in texts if word in ws]
            a = have.count(label) - 1 + prior
            b = len(have) - have.count(label) + 1 - prior
            row.append([-np.log(len(have) / len(texts)),
                        abs(np.log(a / b) - np.log(prior / (1 - prior)))])
        out.append(dict(words=words, label=label, expected=row))
    return out


def paired(gained, lost, trials):
    """Agresti and Min 2005: Wald's interval with half a trial added to each of the four outcomes."""
    n = trials + 2
    p12, p21 = (gained + 0.5) / n, (lost + 0.5) / n
    spread = stats.norm.ppf(0.975) * np.sqrt((p12 + p21 - (p12 - p21) ** 2) / n)
    return [p12 - p21 - spread, p12 - p21 + spread]


def main():
    rng = np.random.default_rng(7)
    texts = [make_text(rng, 9, False), make_text(rng, 6, True), make_text(rng, 12, True)]
    matrix = rng.normal(0, 1, (7, 5))
    matrix = matrix @ matrix.T
    given = outputs(np.random.default_rng(8))
    counts = [(0, 0, 50), (3, 11, 400), (40, 2, 60), (1, 0, 1090)]
    plain = lambda v: v.tolist() if isinstance(v, (np.ndarray, np.generic)) else v
    golden = dict(
        versions=f"NumPy {np.__version__}, SciPy {scipy.__version__}",
        texts=[{k: plain(v) for k, v in t.items()} for t in texts],
        metrics=[{k: float(v) for k, v in metrics(texts, h).items()} for h in range(HEADS)],
        roles=[{k: float(v) for k, v in roles(texts, h).items()} for h in range(HEADS)],
        divergence=[[float(divergence(texts, a, b)) if a != b else 0.0 for b in range(HEADS)]
                    for a in range(HEADS)],
        effective=effective(texts),
        outputs=given.tolist(),
        output_distance=[[1 - float(alignment(given, a, b)) if a != b else 0.0
                          for b in range(HEADS)] for a in range(HEADS)],
        evidence=evidence(),
        matrix=matrix.tolist(),
        eigenvalues=np.linalg.eigvalsh(matrix).tolist(),
        paired=[[list(map(float, c)), list(map(float, paired(*c)))] for c in counts])
    path = os.path.join(os.path.dirname(__file__), "heads.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(golden, file)
        file.write("\n")


main()
