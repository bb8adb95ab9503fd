"""Writes statistics.txt: what SciPy, statsmodels and NumPy make of given numbers.

Run: python3 tests/golden/make_statistics_golden.py
A line is a function, its arguments, "=", and its results. Versions that wrote the file in the tree:
SciPy 1.17.1, statsmodels 0.15.0, NumPy 2.4.6.
"""
import os
from itertools import product

import numpy as np
from scipy import integrate, special, stats
from statsmodels.duration.survfunc import survdiff
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

MASK = (1 << 64) - 1
lines = []


def write(function, arguments, results):
    text = lambda values: " ".join(repr(float(v)) for v in np.ravel(values))
    flat = np.concatenate([np.ravel(np.asarray(a, float)) for a in arguments])
    lines.append(f"{function} {text(flat)} = {text(results)}")


def distributions():
    for x in (1e-8, 0.1, 0.5, 1, 1.5, 2, 2.5, 7.3, 10, 99.5, 12345.6, 1e7):
        write("log_gamma", [x], special.gammaln(x))
    for a, x in product((0.5, 1, 3.7, 40, 1000), (0.01, 0.4, 1, 3, 45, 900, 1100)):
        write("gamma_lower", [a, x], special.gammainc(a, x))
        write("gamma_upper", [a, x], special.gammaincc(a, x))
    for a, b, x in product((0.5, 1, 4.5, 60, 5000), (0.5, 2, 33, 7000), (1e-6, 0.1, 0.4, 0.5, 0.9)):
        write("beta_lower", [a, b, x], special.betainc(a, b, x))
    for n, p in ((1, 0.5), (12, 0.5), (40, 0.03), (1000, 0.5), (1000, 0.99), (100000, 0.5)):
        for k in sorted({0, n // 3, n // 2, round(n * p), n - 1, n}):
            write("binomial_mass", [k, n, p], stats.binom.pmf(k, n, p))
            write("binomial_cdf", [k, n, p], stats.binom.cdf(k, n, p))
    for x in (-30, -8, -3, -1, -0.1, 0, 0.5, 2, 6):
        write("normal_cdf", [x], special.ndtr(x))
    for p in (1e-300, 1e-20, 1e-6, 0.0025, 0.025, 0.3, 0.5, 0.6, 0.975, 1 - 1e-9):
        write("normal_quantile", [p], special.ndtri(p))
    for df in (1, 2, 3.7, 4, 9, 19, 150.5, 1e6):
        for t in (-40, -5, -2.1, -0.3, 0, 1, 3.5):
            write("t_cdf", [t, df], stats.t.cdf(t, df))
        for p in (1e-8, 0.0025, 0.025, 0.4, 0.5, 0.8, 0.975):
            write("t_quantile", [p, df], stats.t.ppf(p, df))
    for df, x in product((1, 2, 7, 100), (0, 0.01, 1, 3.84, 20, 150)):
        write("chi_square_tail", [x, df], stats.chi2.sf(x, df))
    for f, a, b in product((0.1, 1, 3.3, 20), (1, 4), (3, 18, 500)):
        write("f_tail", [f, a, b], stats.f.sf(f, a, b))


def sign_flip(rng):
    samples = [rng.normal(0.5, 1, n) for n in (1, 2, 5, 9, 14)] + [[1, 1, -1, 0, 2, 3], [0, 0, 0]]
    for d in samples:
        d = np.asarray(d, float)
        p = stats.permutation_test((d,), np.mean, permutation_type="samples",
                                   n_resamples=np.inf).pvalue if len(d) > 1 else 1
        write("sign_flip", [len(d), d], p)


def mcnemar_tests():
    for b, c in ((0, 1), (3, 9), (9, 3), (5, 5), (0, 12), (210, 260), (4000, 4300)):
        write("mcnemar_exact", [b, c], mcnemar([[0, b], [c, 0]], exact=True).pvalue)
        mass, low = stats.binom.pmf(b, b + c, 0.5), stats.binom.cdf(min(b, c), b + c, 0.5)
        write("mcnemar_mid", [b, c], 1 - mass / 2 if b == c else 2 * low - mass)


def spreads(rng):
    for groups in ([rng.normal(0, 1, 10), rng.normal(0, 3, 10)],
                   [rng.normal(0, 1, 7), rng.normal(2, 1, 8), rng.normal(0, 2, 12)]):
        r = stats.levene(*groups, center="median")
        write("brown_forsythe", [len(groups), [len(g) for g in groups], *groups],
              [r.statistic, r.pvalue])


def adjustments(rng):
    for p in (rng.random(10) ** 3, [0.01, 0.04, 0.03, 0.005, 0.01, 1], [0.2]):
        write("holm", [len(p), p], multipletests(p, method="holm")[1])
        write("benjamini_hochberg", [len(p), p], multipletests(p, method="fdr_bh")[1])


def restricted_mean(time, event, horizon):
    """The area under SciPy's Kaplan-Meier curve, and Greenwood's variance of it."""
    data = stats.CensoredData(uncensored=time[event], right=time[~event])
    curve = stats.ecdf(data).sf
    knots = np.concatenate([[0], curve.quantiles[curve.quantiles < horizon], [horizon]])
    heights = np.concatenate([[1], curve.probabilities[curve.quantiles < horizon]])
    pieces = heights * np.diff(knots)
    variance = 0
    for t in np.unique(time[event & (time < horizon)]):
        risk, events = (time >= t).sum(), (event & (time == t)).sum()
        if risk > events:
            rest = pieces[np.searchsorted(knots, t):].sum()
            variance += rest ** 2 * events / (risk * (risk - events))
    return [pieces.sum(), variance]


def survival(rng):
    for n, m, step in ((8, 9, 0.01), (20, 15, 1)):
        time = np.ceil(rng.exponential(5, n + m) / step) * step
        event, second = rng.random(n + m) < 0.75, np.arange(n + m) >= n
        chi, p = survdiff(time, event, second)
        write("log_rank", [n, m, time, event], [chi, p])
        for horizon in (3, 9):
            write("restricted_mean", [n + m, time, event, horizon],
                  restricted_mean(time, event, horizon))


def correlations(rng):
    x = rng.normal(size=25)
    for a, b in ((x, x + rng.normal(size=25)), (np.round(x), np.round(rng.normal(size=25) - x)),
                 (x, np.exp(x))):
        r = stats.spearmanr(a, b)
        write("spearman", [len(a), a, b], [r.statistic, r.pvalue])
        r = stats.kendalltau(a, b, method="asymptotic")
        write("kendall", [len(a), a, b], [r.statistic, r.pvalue])


def wilson():
    for k, n in ((0, 10), (7, 10), (10, 10), (812, 1000)):
        write("wilson", [k, n], proportion_confint(k, n, method="wilson"))


def mean_squares(d):
    s, n = d.shape
    rows, seeds = d.mean(axis=0), d.mean(axis=1)
    rest = d - rows - seeds[:, None] + d.mean()
    return (seeds.var(ddof=1) / s, rows.var(ddof=1) / n,
            (rest ** 2).sum() / ((s - 1) * (n - 1)) / (s * n))


def crossed(rng):
    for s, n, seed_sd, row_sd in ((5, 30, 0.1, 0.1), (3, 8, 0, 0.5), (10, 12, 0.3, 0)):
        d = (rng.choice([-1, 0, 1], (s, n)) + rng.normal(0, seed_sd, (s, 1)) +
             rng.normal(0.1, row_sd, n))
        a, b, c = mean_squares(d)
        rest = max(b - c, 0)
        df = max((a + rest) ** 2 / (a * a / (s - 1) + b * b / (n - 1) +
                                    c * c / ((s - 1) * (n - 1))), s - 1)
        ends = stats.t.interval(0.95, df, d.mean(), np.sqrt(a + rest))
        tail = lambda x: (stats.chi2.pdf(x, s - 1) *
                          2 * special.ndtr(-abs(d.mean()) / np.sqrt(a * (s - 1) / x + rest)))
        p = integrate.quad(tail, 0, 8 * s + 60, epsabs=1e-14, epsrel=1e-13, limit=500)[0]
        p = max(p, 2 * stats.t.sf(abs(d.mean()) / np.sqrt(b), n - 1))
        write("crossed", [s, n, d], [d.mean(), a, b, c, a + rest, df, *ends, p])


def mix64(x):
    """SplitMix64's finaliser, as of base/random.h."""
    x = (x + 0x9E3779B97F4A7C15) & MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


def draw(seed, purpose, count, bound):
    stream = mix64(mix64(seed) ^ purpose)
    return [mix64(stream ^ i) * bound >> 64 for i in range(count)]


def two_level(rng):
    """Efron's BCa interval of the mean over seeds and rows, with the draws of base/random.h."""
    s, n, draws, seed = 4, 15, 500, 11
    d = np.round(rng.exponential(1, (s, n)) + rng.normal(0, 0.5, (s, 1)), 3)
    means = np.array([d[draw(seed, 2 * b, s, s)][:, draw(seed, 2 * b + 1, n, n)].mean()
                      for b in range(draws)])
    bias = stats.norm.ppf((means < d.mean()).mean() + (means == d.mean()).mean() / 2)
    units = np.concatenate([(d.mean(axis=1) - d.mean()) / (s - 1),
                            (d.mean(axis=0) - d.mean()) / (n - 1)])
    a = (units ** 3).sum() / (6 * (units ** 2).sum() ** 1.5)
    z = bias + stats.norm.ppf([0.025, 0.975])
    ends = np.quantile(means, stats.norm.cdf(bias + z / (1 - a * z)))
    write("two_level", [s, n, draws, seed, d], ends)


def median_ratio(rng):
    n, draws, seed = 30, 400, 5
    a, b = rng.normal(1.2, 0.1, n), rng.normal(1, 0.1, n)
    samples = [draw(seed, k, n, n) for k in range(draws)]
    ratios = [np.median(a[i]) / np.median(b[i]) for i in samples]
    write("median_ratio", [n, draws, seed, a, b],
          [np.median(a) / np.median(b), *np.quantile(ratios, [0.025, 0.975])])


def main():
    rng = np.random.default_rng(9)
    distributions()
    sign_flip(rng)
    mcnemar_tests()
    for part in (spreads, adjustments, survival, correlations, crossed, two_level, median_ratio):
        part(rng)
    wilson()
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "statistics.txt")
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
