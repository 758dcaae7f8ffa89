"""How far to trust a fit: errors on models, accelerators and generations that it has not seen.

Models of one architecture (DeepSeek-V3 and R1) are left out together, so that a measurement never stands on both sides.
Each fit starts from the full one and goes a few rounds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from capacity.catalogue import Catalogue
from capacity.catalogue.cards import ModelCard
from capacity.serving.architecture import Array
from capacity.serving.calibrate import SERVING_STEP, Evidence, Fitted, Key, evidence, fit
from capacity.serving.calibration import ANY, Calibration
from capacity.serving.predict import predict_case

ROUNDS = 4
SPLITS = ("model", "accelerator", "generation")
Z80 = 1.2816
"""Half width of a normal law's 80 % interval in standard deviations."""
FOLDS = 5


def families(rows: pd.DataFrame, catalogue: Catalogue) -> pd.Series:
    """A name shared by rows whose models have one architecture: the first model's id."""
    cards = catalogue.models()
    shapes: dict[tuple[object, ...], str] = {}
    names = {str(n): shapes.setdefault(_shape(cards[str(n)]), str(n)) for n in sorted(rows["model"].unique()) if n}
    return rows["model"].map(names).fillna("")


def _shape(card: ModelCard) -> tuple[object, ...]:
    return (card.layers, card.d_model, card.d_ff_dense, card.heads, card.kv_heads, card.experts_total, card.d_ff_expert)


@dataclass(frozen=True)
class LeftOut:
    """Predictions made without each row's own group; `spread`: standard deviation of their logarithm."""

    split: str
    predicted: pd.Series
    spread: pd.Series


def leave_out(rows: pd.DataFrame, catalogue: Catalogue, priors: pd.DataFrame, fixed: Mapping[Key, float], full: Fitted,
              split: str, tell: Callable[[str], None]) -> LeftOut:
    """Fit without each group of a split (model, accelerator, generation, configuration) and predict that group."""
    groups = group_of(rows, catalogue, split)
    usable = (rows["reason"] == "") & (rows["load"] != "collective") & ~rows["queued"]
    predicted, spread = pd.Series(np.nan, index=rows.index), pd.Series(np.nan, index=rows.index)
    for name in sorted(groups[usable].unique()):
        tell(f"without {split} {name}")
        inside = groups == name
        fitted = fit(evidence(rows[usable & ~inside], catalogue), priors, fixed, full.point, ROUNDS)
        asked = evidence(rows[usable & inside], catalogue)
        value, deviation = _predict(asked, fitted, priors, fixed)
        predicted[asked.rows.index], spread[asked.rows.index] = value, deviation
    return LeftOut(split, predicted, spread)


def group_of(rows: pd.DataFrame, catalogue: Catalogue, split: str) -> pd.Series:
    """The group of each row. Configurations (all loads of one sharding of one system) fall into a few folds."""
    family = families(rows, catalogue)
    if split == "model":
        return family
    if split in ("accelerator", "generation"):
        return rows[split]
    numbers = rows[["tp", "pp", "dp", "input", "output"]].fillna(-1.0)
    key = [family, rows["accelerator"], rows["weights"], rows["engine"], *(numbers[name] for name in numbers)]
    return (rows.groupby(key).ngroup() % FOLDS).astype(str)


def _predict(asked: Evidence, fitted: Fitted, priors: pd.DataFrame, fixed: Mapping[Key, float]) -> tuple[Array, Array]:
    """Predictions and the standard deviation of their logarithm: what the parameters leave open.

    A level that the fit has not seen (a new generation, engine) adds the spread between levels.
    """
    between = dict(zip(priors["parameter"], priors["between"], strict=True))
    knobs = fitted.knobs
    base = _values(asked, fitted.calibration)
    slopes = np.zeros((len(base), len(fitted.solution)))
    unseen = np.zeros(len(base))
    for column, key in enumerate(knobs.keys):
        moved = fitted.solution.copy()
        moved[column] += SERVING_STEP
        change = np.log(_values(asked, Calibration.of({**fixed, **knobs.values(moved)})) / base) / SERVING_STEP
        slopes[:, column] = np.nan_to_num(change)
        if key[1:] == (ANY, ANY, ANY, ANY):
            unseen = unseen + (slopes[:, column] * between[key[0]]) ** 2 * _new(asked, knobs.keys, key[0])
    variance = np.einsum("ij,jk,ik->i", slopes, fitted.covariance, slopes) + unseen
    return base, np.sqrt(np.maximum(variance, 0.0))


def _new(asked: Evidence, keys: list[Key], parameter: str) -> Array:
    """1 where no level of the parameter that the fit has seen applies to the row."""
    levels = [key for key in keys if key[0] == parameter and key[1:] != (ANY, ANY, ANY, ANY)]
    fresh = np.ones(len(asked.rows))
    for _, generation, precision, engine, fabric in levels:
        for case, spots in zip(asked.cases, asked.spots, strict=True):
            if (generation in (ANY, case.chip.generation) and precision in (ANY, case.weights)
                    and engine in (ANY, case.engine) and fabric in (ANY, case.chip.scale_up_fabric)):
                fresh[spots] = 0.0
    return fresh


def _values(asked: Evidence, calibration: Calibration) -> Array:
    values = np.full(len(asked.rows), np.nan)
    for case, spots in zip(asked.cases, asked.spots, strict=True):
        values[spots] = predict_case(case, calibration)[0]
    return values
