"""A department's card: a few rules with whole points, on top of activity.

In: features, labels, and the out-of-fold log-odds of the classifier and of activity. Out: domain rules and the
activity measure with the points that it is worth. Probabilities for the totals are left to `calibrate.py`.

What is fitted is a logistic regression of a soft label on activity and the chosen rules, with no rule below zero. The
soft label is half the label and half the classifier's out-of-fold probability. Rules enter one by one: the candidate
with the largest drop in squared error for each condition spent, at the current fit. How many conditions are spent is
decided by cross-validation on the plain label, so that a step that does not help customers outside the fit is not
taken.
"""

from dataclasses import dataclass

import numpy as np

from segwarehouse.domain import (
    Activity,
    BoolArray,
    Feature,
    FloatArray,
    IntArray,
    Rule,
    RuleSet,
    Scored,
)
from segwarehouse.learn.activity import POINT, with_points
from segwarehouse.learn.log_odds import probability_of
from segwarehouse.learn.pool import Conjunction, Pool, boosted_paths, build_pool
from segwarehouse.learn.rulefit import rulefit_paths


@dataclass(frozen=True, slots=True)
class CardParameters:
    max_conditions: int = 12
    max_rule_conditions: int = 3
    label_share: float = 0.5
    point: float = POINT
    folds: int = 5
    ridge: float = 2.0
    alike: float = 0.7
    shortlist: int = 800
    stop: bool = True
    rulefit: bool = True
    boosted: bool = True
    residual: str = "logit"
    above_only: bool = False
    alpha: float = 1.0
    swap: int = 0
    lam: float = 0.0
    relabel: int = 0
    overlap: bool = False
    swap_price: float = 1.0
    se: float = 0.0
    below_cost: float = 1.0


@dataclass
class _Fit:
    chosen: list[int]
    weights: FloatArray


def soft_label(labels, probability, share):
    return share * labels + (1 - share) * probability


def _refit(design, target, start, ridge):
    from scipy.optimize import minimize

    q = design.shape[1]
    pen = np.zeros(q)
    pen[2:] = ridge

    def loss(w):
        f = design @ w
        p = probability_of(f)
        v = np.sum(np.logaddexp(0.0, f) - target * f) + 0.5 * np.sum(pen * w * w)
        return v, design.T @ (p - target) + pen * w

    bounds = [(None, None)] + [(0.0, None)] * (q - 1)
    r = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 200})
    return r.x


def gains(masks, design, w, target, P):
    p = probability_of(design @ w)
    W = np.maximum(p * (1 - p), 1e-6)
    g = target - p
    WD = design * W[:, None]
    G = design.T @ WD + np.eye(design.shape[1]) * 1e-9
    A = masks.T @ np.column_stack([g, WD])
    c = A[:, 1:]
    S = np.linalg.solve(G, np.column_stack([design.T @ g, c.T]))
    num = A[:, 0] - c @ S[:, 0]
    den = A[:, 1] - np.einsum("ij,ji->i", c, S[:, 1:]) + P.ridge
    return np.where((num > 0) & (den > P.ridge), num**2 / np.maximum(den, 1e-9), 0.0)


def select(masks, lengths, base, target, P, limit, cost, labels):
    n, m = masks.shape
    design = np.column_stack([np.ones(n), base])
    w = _refit(design, target, np.array([0.0, 1.0]), P.ridge)
    wl = _refit(design, labels, w, P.ridge) if P.relabel else w
    chosen = []; steps = [([], wl)]; spent = 0
    sizes = masks.sum(0)
    allowed = np.ones(m, bool)
    while spent < limit:
        gain = gains(masks, design, wl if P.relabel == 2 else w, target, P)
        gain = np.where(allowed & (lengths <= limit - spent), gain - P.lam * cost, 0.0) / cost**P.alpha
        j = int(np.argmax(gain))
        if gain[j] <= 0: break
        chosen.append(j); spent += int(lengths[j])
        both = masks.T @ masks[:, j]
        allowed &= both <= P.alike * (sizes + sizes[j] - both)
        design = np.column_stack([design, masks[:, j]])
        w = _refit(design, target, np.append(w, 0.0), P.ridge)
        wl = _refit(design, labels, np.append(wl, 0.0), P.ridge) if P.relabel else w
        steps.append((list(chosen), wl))
    return steps

def curve(steps, lengths, masks, base, labels, limit):
    out = np.full((limit + 1, len(base)), np.nan)
    for ch, w in steps:
        f = np.column_stack([np.ones(len(base)), base, masks[:, ch]]) @ w
        out[int(lengths[ch].sum()) if ch else 0] = np.logaddexp(0, f) - labels * f
    for i in range(1, limit + 1):
        if np.isnan(out[i]).any():
            out[i] = out[i - 1]
    return out


def learn_pool(values, features, labels, log_odds, act_lo, seed, P):
    mix = P.label_share * labels + (1 - P.label_share) * probability_of(log_odds)
    pa = probability_of(act_lo)
    adds = log_odds - act_lo if P.residual == "logit" else mix - pa
    paths = []
    if P.rulefit:
        paths += rulefit_paths(values, adds, seed=seed)
    if P.boosted:
        paths += boosted_paths(values, mix - pa, leaves=4, seed=seed + 1)
    return build_pool(values, features, paths, most_conditions=P.max_rule_conditions)


def fit_card(pool, labels, log_odds, act_lo, seed, P):
    mix = P.label_share * labels + (1 - P.label_share) * probability_of(log_odds)
    lengths = np.array([len(r) for r in pool.rules])
    bad = np.array([any(c.operator == "<" and "recency" not in c.feature for c in r) for r in pool.rules])
    if P.above_only:
        pool = Pool(tuple(r for r, b in zip(pool.rules, bad) if not b), pool.masks[~bad])
        lengths = lengths[~bad]
    n = len(labels)
    # shortlist
    one = pool.masks
    if len(one) > P.shortlist:
        g = mix - probability_of(act_lo)
        sup = one.mean(1)
        sc = np.maximum(one @ g, 0) ** 2 / (sup * (1 - sup) * n) / lengths
        keep = np.sort(np.argsort(-sc, kind="stable")[: P.shortlist])
    else:
        keep = np.arange(len(one))
    masks = one[keep].T.astype(np.float64)
    lengths = lengths[keep]
    cost = lengths + (P.below_cost - 1) * np.array(
        [sum(c.operator == "<" and "recency" not in c.feature for c in pool.rules[j]) for j in keep]
    )
    limit = P.max_conditions
    if P.stop:
        from sklearn.model_selection import StratifiedKFold

        tot = np.zeros(P.max_conditions + 1)
        rows = np.zeros((n, P.max_conditions + 1))
        for tr, te in StratifiedKFold(P.folds, shuffle=True, random_state=seed).split(masks, labels):
            st = select(masks[tr], lengths, act_lo[tr], mix[tr], P, limit, cost, labels[tr].astype(float))
            rows[te] = curve(st, lengths, masks[te], act_lo[te], labels[te].astype(float), limit).T
        tot = rows.sum(0)
        best = int(np.argmin(tot))
        dif = rows - rows[:, [best]]
        se = dif.std(0) * np.sqrt(n)
        limit = max(1, int(np.flatnonzero(dif.sum(0) <= P.se * se)[0]))
    steps = select(masks, lengths, act_lo, mix, P, limit, cost, labels.astype(float))
    ch, w = steps[-1]
    return [pool.rules[keep[j]] for j in ch], masks[:, ch], w, limit
