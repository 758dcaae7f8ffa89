"""How far to trust a fit: errors on models, accelerators, generations, campaigns and tables that it has not seen.

Models of one architecture (DeepSeek-V3 and R1) are left out together, so that a measurement never stands on both sides.
Each such fit is made as the full one is, from the priors on: one that started from the full fit would stop near it, and
so remember what it is not to know.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from capacity.catalogue import Catalogue
from capacity.catalogue.cards import ModelCard
from capacity.serving.architecture import Array
from capacity.serving.calibrate import SERVING_STEP, Evidence, Fitted, Key, apart, ask, evidence, fit, own_priors
from capacity.serving.calibration import ANY

SPLITS = ("model", "accelerator", "generation", "campaign", "table")
Z80 = 1.2816
"""Half width of a normal law's 80 % interval in standard deviations."""
INSIDE = 0.8
"""Share of errors that it is to hold."""
FOLDS = 5
SAME = ["family", "accelerator", "weights", "kv", "tp", "pp", "ep", "dp", "replicas", "batch", "rate", "input",
        "output", "load", "metric", "value"]
"""What rows of one measurement agree in, to the last digit of its value."""


def families(rows: pd.DataFrame, catalogue: Catalogue) -> pd.Series:
    """A name shared by rows whose models have one architecture: the first model's id."""
    cards = catalogue.models()
    shapes: dict[tuple[object, ...], str] = {}
    names = {str(n): shapes.setdefault(_shape(cards[str(n)]), str(n)) for n in sorted(rows["model"].unique()) if n}
    return rows["model"].map(names).fillna("")


def once(rows: pd.DataFrame, catalogue: Catalogue) -> pd.DataFrame:
    """The rows without those that say the same again: one system, load and value under the names of two models."""
    same = rows.assign(family=families(rows, catalogue)).duplicated(SAME)
    return rows[~same | (rows["reason"] != "") | (rows["load"] == "collective")].reset_index(drop=True)


def _shape(card: ModelCard) -> tuple[object, ...]:
    return (card.layers, card.d_model, card.d_ff_dense, card.heads, card.kv_heads, card.experts_total, card.d_ff_expert)


@dataclass(frozen=True)
class LeftOut:
    """Predictions made without each row's own group; `spread`: standard deviation of their logarithm."""

    split: str
    predicted: pd.Series
    spread: pd.Series


def leave_out(rows: pd.DataFrame, catalogue: Catalogue, priors: pd.DataFrame, fixed: Mapping[Key, float], split: str,
              tell: Callable[[str], None], known: dict[bytes, Fitted] | None = None) -> LeftOut:
    """Fit without each group of a split (SPLITS or configuration) and predict that group.

    known: fits made before, by the rows that they leave out, to which new ones are added; groups of several splits are
    often the same rows.
    """
    known = {} if known is None else known
    groups = group_of(rows, catalogue, split)
    usable = (rows["reason"] == "") & (rows["load"] != "collective") & ~rows["queued"]
    predicted, spread = pd.Series(np.nan, index=rows.index), pd.Series(np.nan, index=rows.index)
    for name in sorted(groups[usable].unique()):
        tell(f"without {split} {name}")
        inside = groups == name
        without = (usable & inside).to_numpy(dtype=bool).tobytes()
        if without not in known:
            known[without] = fit(evidence(rows[usable & ~inside], catalogue), priors, fixed)
        fitted = known[without]
        asked = evidence(rows[usable & inside], catalogue)
        value, deviation = _predict(asked, fitted, priors)
        predicted[asked.rows.index], spread[asked.rows.index] = value, deviation
    return LeftOut(split, predicted, spread)


def group_of(rows: pd.DataFrame, catalogue: Catalogue, split: str) -> pd.Series:
    """The group of each row.

    A campaign is all that one table says of one build of an engine; configurations (all loads of one sharding of one
    system) fall into a few folds.
    """
    family = families(rows, catalogue)
    if split == "model":
        return family
    if split in ("accelerator", "generation"):
        return rows[split]
    if split == "table":
        return rows["file"]
    if split == "campaign":
        return rows["file"] + ": " + rows["engine_given"]
    numbers = rows[["tp", "pp", "dp", "input", "output"]].fillna(-1.0)
    key = [family, rows["accelerator"], rows["weights"], rows["engine"], *(numbers[name] for name in numbers)]
    return (rows.groupby(key).ngroup() % FOLDS).astype(str)


def _predict(asked: Evidence, fitted: Fitted, priors: pd.DataFrame) -> tuple[Array, Array]:
    """Predictions and the standard deviation of their logarithm: what the parameters leave open.

    A level that the fit has not seen (a new generation, engine) adds the spread between levels; an engine that is none
    of today's deviates more freely, as in the fit.
    """
    common = priors[priors["engine"] == ANY].set_index("parameter")
    between, by, own = common["between"].to_dict(), common["by"].to_dict(), own_priors(priors)
    knobs = fitted.knobs
    moved = fitted.calibration.moved(knobs.names, SERVING_STEP)
    value, variance = np.full(len(asked.rows), np.nan), np.zeros(len(asked.rows))
    for case, spots in zip(asked.cases, asked.spots, strict=True):
        found = ask(case, moved)[0]
        change = np.nan_to_num(np.log(found[1:] / found[0]) / SERVING_STEP)
        slopes, fresh = np.zeros((len(knobs.keys), len(spots))), np.zeros(len(spots))
        for name, column, slope in zip(knobs.names, knobs.columns(case), change, strict=True):
            slopes[column] = slopes[knobs.common[column]] = slope
            if knobs.common[column] == column or knobs.keys[column][3] not in (ANY, case.engine):
                level = case.engine if by[name] == "engine" else ANY
                free = own.get((name, level), (0.0, between[name] * apart(by[name], level)))[1]
                fresh += (slope * free) ** 2
        value[spots] = found[0]
        variance[spots] = np.einsum("in,ij,jn->n", slopes, fitted.covariance, slopes) + fresh
    return value, np.sqrt(np.maximum(variance, 0.0))


def _enough(ratio: pd.Series) -> float:
    """The least factor that holds INSIDE of errors like these: of n, one of rank INSIDE (n + 1), rounded up."""
    known = np.sort(ratio.dropna().to_numpy(dtype=float))
    rank = int(np.ceil(INSIDE * (len(known) + 1.0)))
    return float(known[min(rank, len(known)) - 1]) if len(known) else np.nan


def _log(predicted: pd.Series, seen: pd.DataFrame) -> pd.Series:
    return pd.Series(np.log(predicted / seen["value"]), index=seen.index)


def half_widths(splits: Sequence[LeftOut], seen: pd.DataFrame, kind: pd.Series) -> dict[str, pd.Series]:
    """Half width of the 80 % interval of each row's log error, by split.

    What the parameters leave open and the scatter, times a factor for each kind of model and metric: the least, from
    1 up, at which the intervals of every other split hold 80 % of its errors (split conformal prediction, Lei et al.
    2018, calibrated on the other splits, so that no split widens its own). The scatter is that in sample, or the errors
    of the mildest of the other splits where they are larger: rows that a fit has seen lie nearer to it than new ones
    will. seen: rows of `predict`.
    """
    free, keys = ~seen["saturated"], [kind, seen["metric"]]
    within = _log(seen["predicted"], seen)[free].groupby(keys).transform("std").reindex(seen.index)
    errors = {left.split: _log(left.predicted, seen) for left in splits}
    scatter = {name: (error[free] ** 2).groupby(keys).transform("mean").reindex(seen.index) ** 0.5
               for name, error in errors.items()}
    plain, short = {}, {}
    for left in splits:
        others = [values for name, values in scatter.items() if name != left.split]
        mildest = np.minimum.reduce(others) if others else 0.0
        noise = np.maximum(within.fillna(0.0), np.nan_to_num(mildest))
        plain[left.split] = Z80 * (left.spread**2 + noise**2) ** 0.5
        short[left.split] = (errors[left.split].abs() / plain[left.split])[free].groupby(keys).agg(_enough)
    pairs = pd.MultiIndex.from_arrays(keys)
    return {name: width * np.max([np.ones(len(seen)), *(other.reindex(pairs).fillna(1.0).to_numpy()
                                                        for split, other in short.items() if split != name)], axis=0)
            for name, width in plain.items()}
